package dev.monoquant.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.apache.maven.plugin.MojoExecutionException;
import org.apache.maven.plugin.MojoFailureException;
import org.apache.maven.plugin.logging.Log;
import org.apache.maven.plugin.logging.SystemStreamLog;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The goals without Maven around them, with the command line in a process of its own. */
class GoalsTest {

  private static final Path DIGITS =
      Path.of("").toAbsolutePath().getParent().resolve("examples/models/digits-cnn.safetensors");

  @TempDir private Path dir;
  private final List<String> said = Collections.synchronizedList(new ArrayList<>());
  private Path model = Path.of("");
  private Path small = Path.of("");

  @BeforeEach
  void model() throws Exception {
    model = Files.copy(DIGITS, dir.resolve("digits.safetensors"));
    small = dir.resolve("target/models/small.safetensors");
  }

  private static Child child(QuantMojo mojo) {
    List<Path> classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(Path::of)
            .toList();
    return new Child(classPath, mojo.basedir.toPath(), mojo.jvmArguments);
  }

  private Log log() {
    return new SystemStreamLog() {
      @Override
      public void info(CharSequence text) {
        said.add(text.toString());
      }
    };
  }

  private <M extends QuantMojo> M prepared(M mojo) {
    mojo.basedir = dir.toFile();
    mojo.executionId = "digits";
    mojo.reportDirectory = dir.resolve("target/quant").toFile();
    mojo.jvmArguments = List.of("-XX:TieredStopAtLevel=1");
    mojo.maker = GoalsTest::child;
    mojo.setLog(log());
    said.clear();
    return mojo;
  }

  private QuantizeMojo quantize() {
    QuantizeMojo mojo = prepared(new QuantizeMojo());
    mojo.input = model.toFile();
    mojo.output = small.toFile();
    return mojo;
  }

  /** The statistics that a recipe names are read too. */
  @Test
  void anotherCalibrationOfTheRecipeIsAnotherOutput() throws Exception {
    Path recipe = Files.writeString(dir.resolve("r.yaml"), "calibration: 'c.npz' \n");
    String without = manifest(recipe);
    Files.writeString(dir.resolve("c.npz"), "one");
    String one = manifest(recipe);
    Files.writeString(dir.resolve("c.npz"), "two");
    String two = manifest(recipe);
    assertThat(Set.of(without, one, two)).hasSize(3);
    String c = dir.resolve("c.npz").toString();
    Files.writeString(recipe, "{\"calibration\": \"c.npz\"}");
    assertThat(manifest(recipe)).contains(c + "\n");
    Files.writeString(recipe, "# By calibration.\nscheme: int8\ncalibration: c.npz  # of today\n");
    assertThat(manifest(recipe)).contains(c + "\n");
    Files.writeString(recipe, "{calibration: c.npz, scheme: int8}");
    assertThat(manifest(recipe)).contains(c + "\n");
    Files.writeString(recipe, "scheme: int8\n");
    assertThat(manifest(recipe)).doesNotContain("c.npz");
  }

  private String manifest(Path recipe) throws Exception {
    QuantizeMojo mojo = quantize();
    mojo.recipe = recipe.toFile();
    return mojo.manifest(mojo.jobs().get(0), child(mojo));
  }

  private CheckMojo check() {
    CheckMojo mojo = prepared(new CheckMojo());
    mojo.input = model.toFile();
    mojo.output = small.toFile();
    return mojo;
  }

  @Test
  void anOutputIsMadeOnceUntilSomethingChanges() throws Exception {
    quantize().execute();
    assertThat(said).anyMatch(line -> line.startsWith("quantized: 4 weights of 13 tensors"));
    assertThat(dir.resolve("target/quant").toFile().list())
        .containsExactlyInAnyOrder("digits.html", "digits.json", "digits.xml", "digits.manifest");
    byte[] first = Files.readAllBytes(small);

    quantize().execute();
    assertThat(said).containsExactly("target/models/small.safetensors is up to date");

    Files.write(small, new byte[] {1});
    quantize().execute();
    assertThat(small).hasBinaryContent(first);

    QuantizeMojo other = quantize();
    other.scheme = "int4";
    other.granularity = "channel";
    other.execute();
    assertThat(Files.size(small)).isLessThan(first.length);

    Files.delete(dir.resolve("target/quant/digits.html"));
    other.execute();
    assertThat(dir.resolve("target/quant/digits.html")).exists();
  }

  @Test
  void aMissedGateFailsTheProjectAndTellsWhereToLook() {
    QuantizeMojo mojo = quantize();
    mojo.minSqnr = 60.0;
    assertThatThrownBy(mojo::execute)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("gate missed: classifier.1.weight has an SQNR of 41.28 dB")
        .hasMessageContaining("Try more bits")
        .hasMessageEndingWith("\nSee target/quant/digits.html");
    assertThat(small).doesNotExist();
    assertThat(said).noneMatch(line -> line.contains("Try more bits"));
    assertThat(dir.resolve("target/quant/digits.html")).content().contains("missed");
    assertThat(dir.resolve("target/quant/digits.manifest")).hasContent("unfinished");
  }

  /** Its report is replaced by that of the refusal. */
  @Test
  void anOutputWhoseNextRunWasRefusedIsMadeAgain() throws Exception {
    quantize().execute();
    QuantizeMojo mojo = quantize();
    mojo.minSqnr = 60.0;
    assertThatThrownBy(mojo::execute).isInstanceOf(MojoFailureException.class);
    assertThat(small).isNotEmptyFile();
    quantize().execute();
    assertThat(said).noneMatch(line -> line.endsWith("up to date"));
    assertThat(dir.resolve("target/quant/digits.html")).content().contains("Accepted");
    quantize().execute();
    assertThat(said).containsExactly("target/models/small.safetensors is up to date");
  }

  @Test
  void aFileOfSomebodyElseIsNotReplaced() throws Exception {
    Files.createDirectories(small.getParent());
    Files.writeString(small, "mine");
    assertThatThrownBy(quantize()::execute)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("which this build did not write");
    assertThat(small).hasContent("mine");
    QuantizeMojo mojo = quantize();
    mojo.overwrite = true;
    mojo.execute();
    assertThat(Files.size(small)).isGreaterThan(1000);
  }

  @Test
  void whatIsWrongIsAFailureAndWhatBreaksIsAnError() {
    QuantizeMojo wrong = quantize();
    wrong.scheme = "in8";
    assertThatThrownBy(wrong::execute)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("int8");
    QuantizeMojo none = quantize();
    none.output = null;
    assertThatThrownBy(none::execute)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("gives no <output>");
    QuantizeMojo broken = quantize();
    broken.jvmArguments = List.of("-XX:NoSuchOption");
    assertThatThrownBy(broken::execute)
        .isInstanceOf(MojoExecutionException.class)
        .hasMessageContaining("NoSuchOption");
    QuantizeMojo skipped = quantize();
    skipped.skip = true;
    skipped.scheme = "in8";
    assertThatCode(skipped::execute).doesNotThrowAnyException();
  }

  private QuantizeMojo several(List<String> schemes, String path) {
    QuantizeMojo mojo = quantize();
    mojo.output = null;
    mojo.exclude = List.of("features.*");
    for (String scheme : schemes) {
      Output one = new Output();
      one.path = dir.resolve(path.formatted(scheme)).toFile();
      one.scheme = scheme;
      mojo.outputs.add(one);
    }
    return mojo;
  }

  @Test
  void ofSeveralOutputsOnlyThoseAreMadeThatAreNotUpToDate() throws Exception {
    QuantizeMojo mojo = several(List.of("int8", "fp8"), "target/%s.safetensors");
    mojo.execute();
    assertThat(said).filteredOn(line -> line.startsWith("quantized: ")).hasSize(2);
    assertThat(said).contains("wrote target/int8.safetensors", "wrote target/fp8.safetensors");
    Path reports = dir.resolve("target/quant");
    assertThat(reports.toFile().list())
        .contains("digits-int8.safetensors.html", "digits-fp8.safetensors.manifest")
        .hasSize(8);
    String int8 = Files.readString(reports.resolve("digits-int8.safetensors.json"));

    prepared(mojo).execute();
    assertThat(said)
        .containsExactly(
            "target/int8.safetensors is up to date", "target/fp8.safetensors is up to date");

    mojo.outputs.get(1).scheme = "fp8-e5m2";
    prepared(mojo).execute();
    assertThat(said).contains("target/int8.safetensors is up to date");
    assertThat(said).filteredOn(line -> line.startsWith("quantized: ")).hasSize(1);
    assertThat(reports.resolve("digits-int8.safetensors.json")).hasContent(int8);
    assertThat(reports.resolve("digits-fp8.safetensors.json")).content().contains("fp8-e5m2");
    assertThat(ReportMojo.page(dir, List.of(reports)))
        .contains("href=\"target/quant/digits-int8.safetensors.html\"")
        .containsOnlyOnce("fp8.safetensors</a>");

    Files.delete(dir.resolve("target/int8.safetensors"));
    prepared(mojo).execute();
    assertThat(said).contains("target/fp8.safetensors is up to date");
    assertThat(dir.resolve("target/int8.safetensors")).isNotEmptyFile();
  }

  /** Reports have the names of outputs, and an execution may read several models. */
  @Test
  void outputsWithOneNameAndOfSeveralModelsAreToldApart() throws Exception {
    QuantizeMojo mojo = several(List.of("int8", "fp8"), "target/%s/m.safetensors");
    mojo.outputs.get(1).input = Files.copy(model, dir.resolve("other.safetensors")).toFile();
    mojo.input = null;
    assertThatThrownBy(mojo::execute)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("digits has no <input>");
    mojo.outputs.get(0).input = model.toFile();
    mojo.execute();
    Path reports = dir.resolve("target/quant");
    assertThat(reports.resolve("digits-m.safetensors.json")).content().contains("\"int8@");
    assertThat(reports.resolve("digits-2-m.safetensors.json"))
        .content()
        .contains("\"fp8@", "other.safetensors");
    prepared(mojo).execute();
    assertThat(said)
        .containsExactly(
            "target/int8/m.safetensors is up to date", "target/fp8/m.safetensors is up to date");
  }

  @Test
  void aRecipeMayStandInThePom() throws Exception {
    QuantizeMojo mojo = quantize();
    mojo.recipeText = "{scheme: fp8,\n    ignore: [\"re:features.*\"]}";
    mojo.execute();
    assertThat(dir.resolve("target/quant/digits.json")).content().contains("\"fp8@");
    prepared(mojo).execute();
    assertThat(said).containsExactly("target/models/small.safetensors is up to date");
    mojo.recipeText = "scheme: int8\nignore: []";
    prepared(mojo).execute();
    assertThat(said).anyMatch(line -> line.startsWith("quantized: 4 weights"));

    mojo.recipeText = "scheme: int4\n        exclude: [a]";
    assertThatThrownBy(mojo::execute).hasMessageContaining("Maven has moved to the left");
    mojo.recipeText = "{scheme: int4, calibration: c.npz}";
    assertThatThrownBy(mojo::execute).hasMessageContaining("Give it as <calibration>");
    mojo.recipe = dir.resolve("r.yaml").toFile();
    assertThatThrownBy(mojo::execute).hasMessageContaining("both <recipe> and <recipeText>");
  }

  /** Beside the level that Maven writes before each line. */
  @Test
  void linesOfMessagesFitIn80ColumnsButForLongWords() throws Exception {
    QuantizeMojo mojo = several(List.of("int8", "fp8"), "target/%s.safetensors");
    mojo.minSqnr = 60.0;
    assertThatThrownBy(mojo::execute)
        .message()
        .startsWith(
            "2 outputs are not made:\n  target/int8.safetensors: gate missed: classifier.1.weight")
        .contains("<minSqnr> asks for 60")
        .endsWith("See target/quant/digits-int8.safetensors.html")
        .satisfies(text -> assertThat(text.lines()).allMatch(line -> line.length() <= 72));
    mojo.minSqnr = null;
    mojo.execute();
    assertThat(said).allMatch(line -> line.length() <= 72);
    assertThat(Words.fit("  " + "a".repeat(90) + " b"))
        .containsExactly("  " + "a".repeat(90), "    b");
    assertThat(Words.fit("x ".repeat(40) + "\n\ny")).hasSize(4);
    assertThat(new Words(dir).of("--no-run and --scheme of " + dir + "/a"))
        .isEqualTo("<argument>--no-run</argument> and <scheme> of a");
  }

  @Test
  void whatCannotBeReadOrWrittenIsNamed() throws Exception {
    QuantizeMojo none = quantize();
    none.input = dir.resolve("nosuch.pt").toFile();
    assertThatThrownBy(none::execute)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("the <input> nosuch.pt, which does not exist");
    Files.writeString(dir.resolve("target"), "a file");
    assertThatThrownBy(quantize()::execute)
        .isInstanceOf(MojoExecutionException.class)
        .hasMessage("digits cannot work:\n  target/quant: Not a directory");
    CheckMojo check = check();
    check.baseline = dir.resolve("nosuch.json").toFile();
    assertThatThrownBy(check::execute)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("the <baseline> nosuch.json does not exist");
  }

  @Test
  void anOutputIsCheckedAgainstGatesBaselineAndManifest() throws Exception {
    quantize().execute();
    Path baseline =
        Files.copy(dir.resolve("target/quant/digits.json"), dir.resolve("baseline.json"));
    CheckMojo good = check();
    good.baseline = baseline.toFile();
    good.minSqnr = 40.0;
    good.minWeightCosine = 0.999;
    good.maxSizeRatio = 0.3;
    good.execute();
    assertThat(said).anyMatch(line -> line.endsWith("4 weights are as they were written"));

    CheckMojo strict = check();
    strict.minSqnr = 42.0;
    strict.minWeightCosine = 0.99999;
    strict.maxSizeRatio = 0.1;
    assertThatThrownBy(strict::execute)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("minSqnr 42.0: classifier.1.weight has 41.28 dB\n")
        .hasMessageContaining("minWeightCosine 0.99999: classifier.1.weight has 0.99996")
        .hasMessageContaining("maxSizeRatio 0.1: ");

    JsonObject better = JsonParser.parseString(Files.readString(baseline)).getAsJsonObject();
    JsonArray weights = better.getAsJsonArray("weights");
    weights.get(0).getAsJsonObject().getAsJsonObject("errors").addProperty("sqnr_db", 60);
    weights.get(1).getAsJsonObject().addProperty("name", "gone");
    better.getAsJsonArray("files").get(0).getAsJsonObject().addProperty("bytes", 1000);
    Files.writeString(baseline, better.toString());
    assertThatThrownBy(good::execute)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("not quantized any more, see the baseline: gone")
        .hasMessageContaining("more than 0.5 dB below the baseline: classifier.1.weight has")
        .hasMessageContaining("larger than the baseline: ");

    byte[] bytes = Files.readAllBytes(small);
    bytes[bytes.length - 1] ^= 1;
    Files.write(small, bytes);
    assertThatThrownBy(check()::execute)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("SHA-256")
        .hasMessageContaining("mvn clean process-resources");
  }

  @Test
  void aBaselineOfSeveralOutputsIsReadForThisOne() throws Exception {
    quantize().execute();
    JsonObject one =
        JsonParser.parseString(Files.readString(dir.resolve("target/quant/digits.json")))
            .getAsJsonObject();
    JsonObject other = one.deepCopy();
    other.addProperty("target", "/elsewhere/other.safetensors");
    other.add("weights", new JsonArray());
    one.addProperty("target", "/elsewhere/small.safetensors");
    JsonArray outputs = new JsonArray();
    outputs.add(other);
    outputs.add(one);
    JsonObject all = new JsonObject();
    all.addProperty("kind", "reports");
    all.add("outputs", outputs);
    Path baseline = Files.writeString(dir.resolve("baseline.json"), all.toString());
    CheckMojo check = check();
    check.baseline = baseline.toFile();
    check.execute();
    one.getAsJsonArray("weights").get(1).getAsJsonObject().addProperty("name", "gone");
    Files.writeString(baseline, all.toString());
    assertThatThrownBy(check::execute)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("see the baseline: gone");

    outputs.remove(1);
    Files.writeString(baseline, all.toString());
    assertThatThrownBy(check::execute)
        .isInstanceOf(MojoExecutionException.class)
        .hasMessageContaining("is a report of [/elsewhere/other.safetensors], not of ");
    for (String text : List.of("{\"kind\": \"failure\"}", "{}", "{\"kind\": [1]}")) {
      Files.writeString(baseline, text);
      assertThatThrownBy(check::execute)
          .isInstanceOf(MojoExecutionException.class)
          .hasMessageContaining("baseline.json is no report of a run with results");
    }
    Files.writeString(baseline, "{\"kind\": \"report\"}");
    assertThatThrownBy(check::execute)
        .isInstanceOf(MojoExecutionException.class)
        .hasMessageContaining("a report without a list of weights");
  }

  @Test
  void theParametersOfAPomAreItsElements() {
    String pom =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<configuration>\n  <minSqrn>60</minSqrn>"
            + "<outputs><output><path>a &amp; b</path></output></outputs></configuration>";
    assertThat(Configured.names(pom)).containsExactly("minSqrn", "outputs");
    assertThat(Configured.names(null)).isEmpty();
  }

  @Test
  void namesInReportsAreNoMarkup() throws Exception {
    Files.writeString(
        Files.createDirectory(dir.resolve("q")).resolve("x.json"),
        "{\"kind\":\"failure\",\"input\":\"<script>alert(1)</script>\"}");
    assertThat(ReportMojo.page(dir, List.of(dir.resolve("q"), dir.resolve("none"))))
        .contains("&lt;script&gt;")
        .doesNotContain("<script>");
  }
}

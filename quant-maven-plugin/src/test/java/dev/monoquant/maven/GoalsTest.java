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
    QuantizeMojo mojo = quantize();
    mojo.recipe = recipe.toFile();
    List<Path> written = List.of(small);
    String without = mojo.manifest(child(mojo), written);
    Files.writeString(dir.resolve("c.npz"), "one");
    String one = mojo.manifest(child(mojo), written);
    Files.writeString(dir.resolve("c.npz"), "two");
    String two = mojo.manifest(child(mojo), written);
    assertThat(Set.of(without, one, two)).hasSize(3);
    String c = dir.resolve("c.npz").toString();
    Files.writeString(recipe, "{\"calibration\": \"c.npz\"}");
    assertThat(mojo.manifest(child(mojo), written)).contains(c + "\n");
    Files.writeString(recipe, "# By calibration.\nscheme: int8\ncalibration: c.npz  # of today\n");
    assertThat(mojo.manifest(child(mojo), written)).contains(c + "\n");
    Files.writeString(recipe, "{calibration: c.npz, scheme: int8}");
    assertThat(mojo.manifest(child(mojo), written)).contains(c + "\n");
    Files.writeString(recipe, "scheme: int8\n");
    assertThat(mojo.manifest(child(mojo), written)).doesNotContain("c.npz");
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
    assertThat(said).containsExactly(small + " is up to date");

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
        .hasMessageContaining("Try more bits or smaller groups")
        .hasMessageContaining(dir.resolve("target/quant/digits.html").toString());
    assertThat(small).doesNotExist();
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
    assertThat(said).containsExactly(small + " is up to date");
  }

  @Test
  void aFileOfSomebodyElseIsNotReplaced() throws Exception {
    Files.createDirectories(small.getParent());
    Files.writeString(small, "mine");
    assertThatThrownBy(quantize()::execute)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("this build did not write it");
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
        .hasMessageContaining("give either <output>");
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

  @Test
  void severalOutputsAreMadeInOnePassEachWithItsScheme() throws Exception {
    QuantizeMojo mojo = quantize();
    mojo.output = null;
    mojo.exclude = List.of("features.*");
    for (String scheme : List.of("int8", "fp8")) {
      Output one = new Output();
      one.path = dir.resolve("target/" + scheme + ".safetensors").toFile();
      one.scheme = scheme;
      mojo.outputs.add(one);
    }
    assertThat(mojo.command())
        .containsSubsequence("--exclude=features.*", "--scheme=int8", "--scheme=fp8");
    mojo.execute();
    mojo.execute();
    assertThat(said).last().asString().endsWith("fp8.safetensors is up to date");
    assertThat(ReportMojo.page(dir, List.of(dir.resolve("target/quant"))))
        .contains("href=\"target/quant/digits.html\"", "int8.safetensors", "fp8.safetensors");
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
  void namesInReportsAreNoMarkup() throws Exception {
    Files.writeString(
        Files.createDirectory(dir.resolve("q")).resolve("x.json"),
        "{\"kind\":\"failure\",\"input\":\"<script>alert(1)</script>\"}");
    assertThat(ReportMojo.page(dir, List.of(dir.resolve("q"), dir.resolve("none"))))
        .contains("&lt;script&gt;")
        .doesNotContain("<script>");
  }
}

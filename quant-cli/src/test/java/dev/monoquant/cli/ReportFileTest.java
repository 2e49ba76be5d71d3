package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.OutputException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code --report} is there when it is needed most: when the model is refused. */
class ReportFileTest {

  @TempDir private Path dir;

  private record Run(int code, String out, String err) {}

  private Run quantize(Path model, String output, String... options) {
    List<String> args = new ArrayList<>(List.of("quantize", model.toString(), "-o"));
    args.add(dir.resolve(output).toString());
    args.addAll(List.of("--report", dir.resolve("r.json").toString(), "--no-progress"));
    args.addAll(List.of(options));
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Main.run(new PrintWriter(out), new PrintWriter(err), args.toArray(String[]::new));
    return new Run(code, out.toString(), err.toString());
  }

  private JsonObject report() throws IOException {
    return JsonParser.parseString(Files.readString(dir.resolve("r.json"))).getAsJsonObject();
  }

  @Test
  void itIsWrittenWithAllGatesIfTheyAreMissed() throws IOException {
    Run run =
        quantize(
            Distribution.DIGITS,
            "x.safetensors",
            "--min-sqnr=90",
            "--max-size-ratio=0.01",
            "--json");
    assertThat(run.code()).isEqualTo(Failure.VALIDATION);
    assertThat(run.err())
        .contains("2 gates missed: ", "--min-sqnr asks", "--max-size-ratio allows");
    assertThat(run.out()).isEqualTo(Files.readString(dir.resolve("r.json")));
    assertThat(report().getAsJsonArray("gates").asList())
        .extracting(g -> g.getAsJsonObject().get("name").getAsString())
        .containsExactly("max-size-ratio", "min-sqnr");
    assertThat(report().getAsJsonArray("gates").asList())
        .extracting(g -> g.getAsJsonObject().get("passed").getAsBoolean())
        .containsOnly(false);
    assertThat(dir.toFile().list()).containsExactly("r.json");
  }

  @Test
  void itIsWrittenIfOriginalAndResultAreTooFarApart() throws IOException {
    Run run = quantize(Distribution.DIGITS_SCRIPT, "x.pt", "--min-cosine=1");
    assertThat(run.code()).isEqualTo(Failure.VALIDATION);
    assertThat(run.err())
        .contains(
            "the cosine between its outputs",
            "--min-cosine asks for 1.0000",
            "nothing was written");
    assertThat(run.out()).contains("gate min-cosine", "missed: ");
    assertThat(report().getAsJsonArray("gates").asList())
        .extracting(g -> g.getAsJsonObject().get("name").getAsString())
        .containsExactly("min-sqnr", "min-cosine");
    JsonObject scale = report().getAsJsonArray("gates").get(0).getAsJsonObject();
    assertThat(scale.get("limit").getAsDouble()).isEqualTo(6);
    assertThat(scale.get("passed").getAsBoolean()).isTrue();
    JsonObject gate = report().getAsJsonArray("gates").get(1).getAsJsonObject();
    assertThat(gate.get("limit").getAsDouble()).isEqualTo(1);
    assertThat(gate.get("value").getAsDouble()).isBetween(0.9, 0.99999999);
    assertThat(report().getAsJsonObject("run").getAsJsonArray("models")).hasSize(2);
    assertThat(dir.toFile().list()).containsExactly("r.json");
  }

  @Test
  void itIsWrittenIfTheRunItselfIsRefused() throws IOException {
    Path sample = dir.resolve("in.safetensors");
    Models.linear(sample, 1);
    Run run = quantize(Distribution.DIGITS_SCRIPT, "x.pt", "--sample", sample.toString());
    assertThat(run.code()).as(run.err()).isNotZero();
    assertThat(run.err()).doesNotContain("withRunning", "internal error");
    assertThat(report().getAsJsonArray("problems").asList())
        .extracting(p -> p.getAsJsonObject().get("severity").getAsString())
        .contains("error");
    assertThat(report().get("run").isJsonNull()).isTrue();
    assertThat(dir.toFile().list()).containsExactlyInAnyOrder("r.json", "in.safetensors");
  }

  @Test
  void itReplacesAnEarlierReportAndNothingElse() throws IOException {
    assertThat(quantize(Distribution.DIGITS, "x.safetensors", "--min-sqnr=90").code()).isEqualTo(4);
    assertThat(report().getAsJsonArray("gates")).hasSize(1);
    assertThat(quantize(Distribution.DIGITS, "x.safetensors").code()).isZero();
    assertThat(report().getAsJsonArray("gates")).isEmpty();
    for (String other : List.of("", "mine", "{\"schema\": 1, \"kind\": \"plan\"}")) {
      Files.writeString(dir.resolve("r.json"), other);
      Run run = quantize(Distribution.DIGITS, "y.safetensors");
      assertThat(run.code()).isEqualTo(Failure.OUTPUT);
      assertThat(run.err()).contains("r.json: exists and is no report of this form", "--force");
      assertThat(dir.resolve("r.json")).hasContent(other);
    }
  }

  @Test
  void severalFormsAreWrittenAtOnceAlsoIfAGateIsMissed() throws IOException {
    List<String> names = List.of("a.html", "a.xml", "a.md");
    List<String> options = new ArrayList<>(List.of("--min-sqnr=90"));
    names.forEach(name -> options.add("--report=" + dir.resolve(name)));
    Path page = dir.resolve("page.md");
    options.add("--summary=" + page);
    for (int i = 0; i < 2; i++) {
      Run run = quantize(Distribution.DIGITS, "x.safetensors", options.toArray(String[]::new));
      assertThat(run.code()).as(run.err()).isEqualTo(Failure.VALIDATION);
    }
    assertThat(dir.resolve("a.html")).content().contains("<svg", "Refused", "min-sqnr");
    assertThat(dir.resolve("a.xml")).content().contains("<failure message=", "name=\"min-sqnr\"");
    assertThat(dir.resolve("a.md")).content().contains("❌ missed", "Nothing was written");
    // The page of a job is continued by its steps.
    String one = Files.readString(dir.resolve("a.md"));
    assertThat(Files.readString(page).replaceAll("[0-9.]+ s</sub>", ""))
        .isEqualTo((one + "\n" + one + "\n").replaceAll("[0-9.]+ s</sub>", ""));
    assertThat(dir.toFile().list())
        .containsExactlyInAnyOrder("r.json", "a.html", "a.xml", "a.md", "page.md");
  }

  @Test
  void eachOutputHasAReportOfItsOwnIfItsNameIsAskedFor() throws IOException {
    String each = "--report=" + dir.resolve("r-{output}.json");
    String other = "-o=" + dir.resolve("y.safetensors");
    String[] options = {"--scheme=int8", other, "--scheme=int4", "--granularity=channel", each};
    assertThat(quantize(Distribution.DIGITS, "x.safetensors", options).code()).isZero();
    assertThat(report().get("kind").getAsString()).isEqualTo("reports");
    for (int i = 0; i < 2; i++) {
      String name = List.of("x.safetensors", "y.safetensors").get(i);
      JsonObject one =
          JsonParser.parseString(Files.readString(dir.resolve("r-" + name + ".json")))
              .getAsJsonObject();
      assertThat(one.get("kind").getAsString()).isEqualTo("report");
      assertThat(one.get("target").getAsString()).endsWith(name);
      assertThat(one.getAsJsonArray("weights").get(0).getAsJsonObject().get("bits").getAsInt())
          .isEqualTo(8 - 4 * i);
      assertThat(one.getAsJsonArray("files")).hasSize(1);
    }

    options[1] = "-o=" + dir.resolve("z/x.safetensors");
    Run run = quantize(Distribution.DIGITS, "x.safetensors", options);
    assertThat(run.code()).isEqualTo(Failure.USAGE);
    assertThat(run.err())
        .contains("r-x.safetensors.json is given twice, by {output} for outputs with the same");

    run = quantize(dir.resolve("nosuch.safetensors"), "w.safetensors", each);
    assertThat(run.code()).isEqualTo(Failure.INPUT);
    assertThat(dir.resolve("r-w.safetensors.json")).content().contains("no such file");
  }

  @Test
  void aRunThatFailsBeforeItHasResultsIsReported() throws IOException {
    Path xml = dir.resolve("a.xml");
    Run run =
        quantize(dir.resolve("nosuch.safetensors"), "x.safetensors", "--json", "--report=" + xml);
    assertThat(run.code()).isEqualTo(Failure.INPUT);
    assertThat(run.out()).isEqualTo(Files.readString(dir.resolve("r.json")));
    assertThat(report().get("kind").getAsString()).isEqualTo("failure");
    assertThat(report().getAsJsonArray("problems").toString()).contains("no such file");
    assertThat(xml).content().contains("tests=\"1\" failures=\"1\"", "no such file");
  }

  @Test
  void whatWasWrittenIsListedWithItsHash() throws IOException {
    assertThat(quantize(Distribution.DIGITS, "x.safetensors", "--scheme=int8", "--hash=all").code())
        .isZero();
    JsonObject file = report().getAsJsonArray("files").get(0).getAsJsonObject();
    assertThat(file.get("path").getAsString()).isEqualTo(dir.resolve("x.safetensors").toString());
    assertThat(file.get("bytes").getAsLong()).isEqualTo(Files.size(dir.resolve("x.safetensors")));
    assertThat(file.get("sha256").getAsString()).matches("[0-9a-f]{64}");
    JsonObject input = report().getAsJsonArray("inputs").get(0).getAsJsonObject();
    assertThat(input.get("sha256").getAsString()).matches("[0-9a-f]{64}");
    assertThat(report().getAsJsonObject("configuration").toString())
        .contains("\"scheme\":\"int8\"");
  }

  @Test
  void whatWasWrittenIntoFoldersIsListedToo() throws IOException {
    Path model = Models.llm(dir.resolve("m"));
    Path folder = Files.createDirectories(model.resolve("1_Pooling"));
    Files.writeString(folder.resolve("config.json"), "{\"pooling\": 1}");
    Run run = quantize(model, "out", "--scheme=int8", "--side-files=all");
    assertThat(run.code()).as(run.err()).isZero();
    List<String> written;
    try (Stream<Path> files = Files.walk(dir.resolve("out"))) {
      written = files.filter(Files::isRegularFile).map(Path::toString).toList();
    }
    assertThat(written).contains(dir.resolve("out/1_Pooling/config.json").toString());
    assertThat(report().getAsJsonArray("files").asList())
        .extracting(f -> f.getAsJsonObject().get("path").getAsString())
        .containsExactlyInAnyOrderElementsOf(written);
  }

  @Test
  void aNameThatAsksForNoFormAndAReportGivenTwiceAreRefusedBeforeTheRun() {
    Run run = quantize(Distribution.DIGITS, "x.safetensors", "--report=" + dir.resolve("a.txt"));
    assertThat(run.code()).isEqualTo(Failure.USAGE);
    assertThat(run.err()).contains("must end with .json, .html, .xml, .md");
    run = quantize(Distribution.DIGITS, "x.safetensors", "--report=" + dir.resolve("r.json"));
    assertThat(run.code()).isEqualTo(Failure.USAGE);
    assertThat(run.err()).contains("r.json is given twice");
    assertThat(dir.toFile().list()).isEmpty();
  }

  @Test
  void nothingIsLeftOfOneThatCannotGetItsName() throws IOException {
    Path inTheWay = Files.createDirectories(dir.resolve("r.json").resolve("made-meanwhile"));
    assertThatThrownBy(() -> ReportFile.write(inTheWay.getParent(), "{}", "The model is written"))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("r.json: it could not be written")
        .hasMessageEndingWith("The model is written");
    try (Stream<Path> files = Files.list(dir)) {
      assertThat(files).containsExactly(inTheWay.getParent());
    }
  }

  @Test
  @DisabledOnOs(
      value = OS.WINDOWS,
      disabledReason = "links need a privilege, and there are no modes")
  void aLinkIsNotFollowedAndTheModeStays() throws IOException {
    Path precious = Files.writeString(dir.resolve("precious.txt"), "mine");
    Files.createSymbolicLink(dir.resolve("r.json"), precious);
    Run run = quantize(Distribution.DIGITS, "x.safetensors", "--force");
    assertThat(run.code()).isEqualTo(Failure.OUTPUT);
    assertThat(run.err()).contains("is a link or no regular file");
    assertThat(precious).hasContent("mine");
    Files.delete(dir.resolve("r.json"));
    assertThat(quantize(Distribution.DIGITS, "x.safetensors").code()).isZero();
    Files.setPosixFilePermissions(
        dir.resolve("r.json"), PosixFilePermissions.fromString("rw-------"));
    assertThat(quantize(Distribution.DIGITS, "x.safetensors", "--force").code()).isZero();
    assertThat(Files.getPosixFilePermissions(dir.resolve("r.json")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
  }

  @Test
  void aTuningThatFailsTellsWhyAndHasNoTestCases() throws IOException {
    InProcess quant = new InProcess();
    Path json = dir.resolve("r.json");
    Path samples = dir.resolve("none.npz");
    assertThat(
            quant.run(
                "tune",
                Distribution.DIGITS,
                "--sample",
                samples,
                "--target-cosine=0.9",
                "--report",
                dir.resolve("r.xml")))
        .isEqualTo(Failure.USAGE);
    assertThat(quant.err()).contains("r.xml: tune has no test cases", ".html");
    assertThat(quant.run("tune", Distribution.DIGITS, "--target-cosine=0.9", "--report", json))
        .isEqualTo(Failure.INPUT);
    assertThat(quant.err()).contains("it has no code that could be checked");
    assertThat(report().get("kind").getAsString()).isEqualTo("failure");
    assertThat(report().getAsJsonArray("problems").toString())
        .contains("it has no code that could be checked");
  }

  /** Measuring may take hours: a report that cannot be written does not cost the recipe. */
  @Test
  void aRecipeIsWrittenBeforeAReportFails() throws Exception {
    InProcess quant = new InProcess();
    Path recipe = dir.resolve("recipe.json");
    Path digits = Path.of("src", "test", "resources", "digits");
    Path range = range("features.0", 0, 1);
    assertThat(
            quant.run(
                "tune",
                digits.resolve("cnn.traced.pt"),
                "--sample",
                digits.resolve("cnn.test.safetensors"),
                "--target-cosine=0.9",
                "--max-runs=1",
                "--option=mode=static",
                "--option=small=0",
                "--calibration=" + range,
                "--exclude=classifier.*",
                "-o",
                recipe,
                "--summary",
                Files.createDirectory(dir.resolve("summary"))))
        .isEqualTo(Failure.OUTPUT);
    assertThat(quant.err()).contains("The model was measured; the recipe was written");
    assertThat(Files.readString(recipe)).contains("\"calibration\": \"range.safetensors\"");
  }

  /** A calibration with the range of one layer. */
  private Path range(String layer, float least, float greatest) throws IOException {
    String header =
        String.format(
            "{\"%1$s.xmin\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
                + "\"%1$s.xmax\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]}}",
            layer);
    ByteBuffer bytes = ByteBuffer.allocate(16 + header.length()).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length()).put(header.getBytes(StandardCharsets.US_ASCII));
    bytes.putFloat(least).putFloat(greatest);
    return Files.write(dir.resolve("range.safetensors"), bytes.array());
  }
}

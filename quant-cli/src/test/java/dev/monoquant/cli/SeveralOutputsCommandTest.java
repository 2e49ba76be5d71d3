package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Model.CommandSpec;

/** Several outputs on the command line and in a recipe: which option belongs to which output. */
class SeveralOutputsCommandTest {

  @TempDir private Path dir;
  private Path model;
  private final InProcess quant = new InProcess();

  @BeforeEach
  void makeModel() throws IOException {
    model =
        Models.tensors(dir.resolve("in.safetensors"), "a.weight 64x128; b.weight 64x128; b.bias 8");
  }

  private Path at(String name) {
    return dir.resolve(name + ".safetensors");
  }

  private void assertSame(String name, Object... options) {
    Path alone = at("alone-" + name);
    Object[] args = new Object[options.length + 5];
    System.arraycopy(options, 0, args, 5, options.length);
    args[0] = "quantize";
    args[1] = model;
    args[2] = "-o";
    args[3] = alone;
    args[4] = "--quiet";
    assertThat(quant.run(args)).as(quant.err()).isZero();
    assertThat(at(name)).hasSameBinaryContentAs(alone);
  }

  @Test
  void optionsBelongToTheOutputBeforeThem() {
    int code =
        quant.run(
            "quantize",
            "--exclude",
            "b",
            "-o",
            at("x"),
            "--scheme=int8",
            "--threads",
            "2",
            model,
            "--output=" + at("y"),
            "--bits",
            "4",
            "--granularity",
            "group:16",
            "-o" + at("z"));
    assertThat(code).as(quant.err()).isZero();
    assertThat(quant.out())
        .contains("output 1 of 3: ", "output 3 of 3: ", "all 3 outputs: ")
        .contains("encoded once, for this and another output: 1 weight\n");
    assertThat(quant.err()).contains("wrote " + at("x"), "wrote " + at("y"), "wrote " + at("z"));
    assertSame("x", "--scheme", "int8", "--exclude", "b");
    assertSame("y", "--bits", "4", "--granularity", "group:16", "--exclude", "b");
    assertSame("z", "--exclude", "b");
  }

  @Test
  void anOptionBeforeTheFirstOutputIsOverriddenByThatOfAnOutput() {
    int code =
        quant.run(
            "quantize", model, "--scheme", "fp8", "-o", at("x"), "-o", at("y"), "--scheme", "int8");
    assertThat(code).as(quant.err()).isZero();
    assertSame("x", "--scheme", "fp8");
    assertSame("y", "--scheme", "int8");
  }

  @Test
  void aRecipeNamesOutputs() throws IOException {
    Path recipe =
        Files.writeString(
            dir.resolve("r.yaml"),
            "scheme: int8\nignore: [b]\noutputs:\n  - {path: '"
                + at("x")
                + "'}\n  - {path: '"
                + at("y")
                + "', scheme: fp8, format: safetensors}\n");
    assertThat(quant.run("quantize", model, "--config", recipe, "--min-elements", 4, "--json"))
        .as(quant.err())
        .isZero();
    JsonObject reports = JsonParser.parseString(quant.out()).getAsJsonObject();
    assertThat(reports.get("kind").getAsString()).isEqualTo("reports");
    assertThat(reports.getAsJsonArray("outputs").asList())
        .extracting(o -> o.getAsJsonObject().get("target").getAsString())
        .containsExactly(at("x").toString(), at("y").toString());
    long bytes =
        reports.getAsJsonArray("outputs").asList().stream()
            .mapToLong(o -> o.getAsJsonObject().get("whole_bytes_after").getAsLong())
            .sum();
    assertThat(reports.getAsJsonObject("total").get("whole_bytes_after").getAsLong())
        .isEqualTo(bytes);
    assertSame("x", "--scheme", "int8", "--exclude", "b", "--min-elements", 4);
    assertSame(
        "y", "--scheme", "fp8", "--exclude", "b", "--min-elements", 4, "--format", "safetensors");
  }

  @Test
  void oneOutputOfARecipeIsReportedAsOne() throws IOException {
    Path recipe =
        Files.writeString(dir.resolve("r.yaml"), "outputs: [{path: '" + at("x") + "'}]\n");
    assertThat(quant.run("quantize", model, "--config=" + recipe, "--json")).isZero();
    assertThat(quant.out()).contains("\"kind\": \"report\"");
    assertSame("x");
  }

  @Test
  void outputsAreNamedInOnePlace() throws IOException {
    Path recipe =
        Files.writeString(dir.resolve("r.yaml"), "outputs: [{path: '" + at("x") + "'}]\n");
    for (List<Object> more : List.<List<Object>>of(List.of(), List.of("-o", at("z")))) {
      Object[] args = {"quantize", model, "-o", at("y"), "--config", recipe};
      Object[] all = new Object[args.length + more.size()];
      System.arraycopy(args, 0, all, 0, args.length);
      System.arraycopy(more.toArray(), 0, all, args.length, more.size());
      assertThat(quant.run(all)).isEqualTo(Failure.USAGE);
      assertThat(quant.err()).contains("the recipe says what to write", "and so does -o");
    }
    Path plain = Files.writeString(dir.resolve("plain.yaml"), "scheme: int8\n");
    assertThat(quant.run("quantize", model, "--config", plain)).isEqualTo(Failure.USAGE);
    assertThat(quant.err()).contains("Missing required option: '--output=OUTPUT'");
  }

  @Test
  void wrongOptionsOfAnOutputAreUsageErrors() {
    assertThat(quant.run("quantize", model, "-o", at("x"), "-o", at("y"), "--bits", "many"))
        .isEqualTo(Failure.USAGE);
    assertThat(quant.err()).contains("'many' is no whole number", "Try 'quant quantize --help'.");
    assertThat(quant.run("quantize", model, "-o", at("x"), "-o", at("y"), "--schem", "int8"))
        .isEqualTo(Failure.USAGE);
    assertThat(quant.err()).contains("Unknown option: '--schem'", "Did you mean: --scheme?");
    assertThat(quant.run("quantize", model, "-o", at("x"), "-o")).isEqualTo(Failure.USAGE);
    assertThat(quant.run("quantize", model, "-o", at("x"), "-o", at("x")))
        .isEqualTo(Failure.OUTPUT);
    assertThat(quant.err()).contains("cannot have the same path");
    assertThat(quant.run("quantize", model, "-o", at("x"), "-o", model)).isEqualTo(Failure.OUTPUT);
    assertThat(at("x")).doesNotExist();
  }

  @Test
  void aDryRunHasAPlanForEachOutputAndChecksEach() {
    String[] args = {
      "quantize",
      model.toString(),
      "-o",
      at("x").toString(),
      "-o",
      at("y").toString(),
      "--exclude",
      "a",
      "--dry-run",
      "--max-size-ratio",
      "0.55"
    };
    assertThat(quant.run((Object[]) args)).isEqualTo(Failure.VALIDATION);
    assertThat(quant.out()).contains("output 1 of 2: ", "output 2 of 2: ", "all 2 outputs: ");
    assertThat(quant.err())
        .contains(at("y") + ": gate missed: ")
        .doesNotContain(at("x") + ": gate missed");
    assertThat(at("x")).doesNotExist();
  }

  @Test
  void aReportOfSeveralOutputsIsWrittenAndReplaced() throws IOException {
    Path report = dir.resolve("r.json");
    for (int i = 0; i < 2; i++) {
      assertThat(
              quant.run(
                  "quantize",
                  model,
                  "-o",
                  at("x"),
                  "-o",
                  at("y" + i),
                  "--report",
                  report,
                  "--force"))
          .as(quant.err())
          .isZero();
      assertThat(Files.readString(report)).contains("\"kind\": \"reports\"");
    }
    assertThat(quant.run("quantize", model, "-o", at("z"), "-o", at("w"), "--report", at("w")))
        .isEqualTo(Failure.USAGE);
    assertThat(quant.run("quantize", model, "-o", at("z"), "--report", report))
        .as(quant.err())
        .isZero();
  }

  @Test
  void argumentsAreSorted() {
    CommandSpec spec =
        Main.commandLine("quantize").getSubcommands().get("quantize").getCommandSpec();
    OutputArguments sorted =
        OutputArguments.of(
            spec,
            List.of(
                "--option",
                "a=1",
                "-o",
                "x",
                "in",
                "--exclude",
                "l",
                "--force",
                "--output=y",
                "--symmetric",
                "--threads",
                "3",
                "--no-fold",
                "--",
                "-o",
                "z"));
    assertThat(sorted.outputs())
        .containsExactly(
            List.of("-o", "x", "--exclude", "l"), List.of("--output=y", "--symmetric"));
    assertThat(sorted.common())
        .containsExactly(
            "-o",
            "x",
            "--option",
            "a=1",
            "in",
            "--force",
            "--threads",
            "3",
            "--no-fold",
            "--",
            "-o",
            "z");
    List<String> one = List.of("in", "-o", "x", "--bits", "4");
    assertThat(OutputArguments.of(spec, one)).isEqualTo(new OutputArguments(one, List.of()));
  }
}

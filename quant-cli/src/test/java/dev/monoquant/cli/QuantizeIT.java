package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.cli.Distribution.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code quant quantize} from its launcher to its files. */
class QuantizeIT {

  @TempDir private Path dir;
  private Distribution app;

  @BeforeEach
  void model() throws IOException {
    Files.copy(Distribution.DIGITS, dir.resolve("digits.safetensors"));
    app = new Distribution(dir);
  }

  @Test
  void theThreadsNeverChangeAByteNorDoesWhereIsComputed() throws IOException {
    Run one =
        done(app.quant("quantize", "digits.safetensors", "-o", "1.safetensors", "--threads", "1"));
    done(app.quant("quantize", "digits.safetensors", "-o", "4.safetensors", "--threads", "4"));
    done(app.quant("quantize", "digits.safetensors", "-o", "t.safetensors", "--compute", "torch"));
    assertThat(dir.resolve("4.safetensors")).hasSameBinaryContentAs(dir.resolve("1.safetensors"));
    assertThat(dir.resolve("t.safetensors")).hasSameBinaryContentAs(dir.resolve("1.safetensors"));
    assertThat(one.out())
        .contains("classifier.1.weight  int8 channel  128.5 KiB  3.98x")
        .contains("(3.81x smaller)", "left in float: 9 tensors")
        .doesNotContain("features.1.running_var");
    Run table = done(app.quant("quantize", "digits.safetensors", "-o", "a.safetensors", "--table"));
    assertThat(table.out())
        .contains("classifier.1.weight  Linear  int8 channel  128x1024")
        .contains("features.1.running_var");
    assertThat(one.err())
        .contains("quant: wrote 1.safetensors" + System.lineSeparator(), "quant verify");
    assertThat(dir.resolve("digits.safetensors")).hasSameBinaryContentAs(Distribution.DIGITS);
  }

  @Test
  void theDirectoryIsThatOfCompressedTensorsAndKeepsShardsAndSideFiles() throws IOException {
    Models.sharded(dir.resolve("llm"));
    done(app.quant("quantize", "llm", "-o", "out", "--asymmetric", "--granularity", "group:4"));
    assertThat(names(dir.resolve("out")))
        .containsExactly(
            "config.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
            "monoquant-manifest.json",
            "tokenizer.json");
    JsonObject config =
        JsonParser.parseString(Files.readString(dir.resolve("out/config.json"))).getAsJsonObject();
    assertThat(config.getAsJsonArray("architectures")).hasSize(1);
    JsonObject quantization = config.getAsJsonObject("quantization_config");
    assertThat(quantization.get("quant_method").getAsString()).isEqualTo("compressed-tensors");
    assertThat(quantization.toString())
        .contains("\"group_size\":4", "\"symmetric\":false", "\"strategy\":\"group\"");
  }

  @Test
  void everyOptionIsObeyedAndToldAsJson() throws IOException {
    Models.linear(dir.resolve("odd.safetensors"), 1);
    Run run =
        done(
            app.quant(
                "quantize",
                "digits.safetensors",
                "-o",
                "all.model",
                "--bits=4",
                "--type=int",
                "--symmetric",
                "--granularity=group:32",
                "--ragged-groups=keep",
                "--profile=compressed-tensors",
                "--format=safetensors",
                "--input-format=safetensors",
                "--include=Linear",
                "--include=features.*",
                "--exclude=classifier.4",
                "--layer=classifier.4=Linear",
                "--min-elements=1000",
                "--non-finite=keep",
                "--threads=2",
                "--compute=jvm",
                "--report=report.json",
                "--min-sqnr=5",
                "--max-size-ratio=0.9",
                "--no-sync",
                "--no-progress",
                "--force",
                "--verbose",
                "--json"));
    JsonObject report = run.json();
    assertThat(report.get("schema").getAsInt()).isEqualTo(1);
    assertThat(report.get("kind").getAsString()).isEqualTo("report");
    assertThat(report.get("output_format").getAsString()).isEqualTo("safetensors");
    assertThat(report.get("output_bytes").getAsLong())
        .isEqualTo(Files.size(dir.resolve("all.model")));
    // Group 32 divides the 1024 columns of classifier.1 and the 288 of features.3 only.
    assertThat(report.getAsJsonArray("weights").asList())
        .extracting(w -> w.getAsJsonObject().get("name").getAsString())
        .containsExactly("classifier.1.weight", "features.3.weight");
    JsonObject weight = report.getAsJsonArray("weights").get(0).getAsJsonObject();
    assertThat(weight.get("bits").getAsInt()).isEqualTo(4);
    assertThat(weight.get("symmetric").getAsBoolean()).isTrue();
    assertThat(weight.get("granularity").getAsString()).isEqualTo("group:32");
    assertThat(Files.readString(dir.resolve("report.json"))).isEqualTo(run.out());
    assertThat(run.err()).isEqualTo("quant: wrote all.model" + System.lineSeparator());
  }

  @Test
  void aRecipeIsReadAndArgumentsWin() throws IOException {
    Files.writeString(
        dir.resolve("recipe.yaml"),
        """
        config_groups:
          group_0:
            targets: [Linear]
            weights: {num_bits: 8, type: int, symmetric: true, strategy: channel}
        ignore: ["re:.*4$"]
        """);
    Files.writeString(dir.resolve("recipe.json"), "{\"scheme\": \"float16\"}");
    Run yaml =
        done(
            app.quant(
                "quantize",
                "digits.safetensors",
                "-o",
                "y.safetensors",
                "--dry-run",
                "--json",
                "--config",
                "recipe.yaml",
                "--granularity",
                "tensor"));
    assertThat(yaml.out()).contains("\"granularity\": \"tensor\"").doesNotContain("\"channel\"");
    assertThat(yaml.json().getAsJsonArray("weights")).hasSize(1);
    Run json =
        done(
            app.quant(
                "quantize",
                "digits.safetensors",
                "-o",
                "j.safetensors",
                "--dry-run",
                "--config",
                "recipe.json"));
    assertThat(json.out()).contains("float16");
    Run argument =
        done(
            app.quant(
                "quantize",
                "digits.safetensors",
                "-o",
                "j.safetensors",
                "--dry-run",
                "--config",
                "recipe.json",
                "--scheme",
                "bfloat16"));
    assertThat(argument.out()).contains("bfloat16").doesNotContain(" float16");
    assertThat(names(dir)).containsExactly("digits.safetensors", "recipe.json", "recipe.yaml");
  }

  @Test
  void aDryRunTellsTheExactSize() throws IOException {
    Run plan =
        done(
            app.quant(
                "quantize", "digits.safetensors", "-o", "x.safetensors", "--dry-run", "--json"));
    assertThat(names(dir)).containsExactly("digits.safetensors");
    assertThat(plan.err().lines())
        .singleElement(STRING)
        .startsWith("quant: memory: ")
        .contains(" suffice with ")
        .contains(", besides mapped files; at least 100.");
    done(app.quant("quantize", "digits.safetensors", "-o", "x.safetensors", "--quiet"));
    assertThat(Files.size(dir.resolve("x.safetensors")))
        .isEqualTo(plan.json().get("output_bytes").getAsLong());
  }

  @Test
  void anExistingOutputIsReplacedByForceAloneAndStaysWhereAGateIsMissed() throws IOException {
    Path output = Files.writeString(dir.resolve("x.safetensors"), "mine");
    Run refused = app.quant("quantize", "digits.safetensors", "-o", "x.safetensors");
    assertThat(refused.code()).isEqualTo(5);
    assertThat(refused.err()).startsWith("quant: x.safetensors: exists.");
    Run missed =
        app.quant(
            "quantize", "digits.safetensors", "-o", "x.safetensors", "--force", "--min-sqnr=60");
    assertThat(missed.code()).isEqualTo(4);
    assertThat(missed.out()).contains("classifier.1.weight");
    assertThat(output).hasContent("mine");
    assertThat(names(dir)).containsExactly("digits.safetensors", "x.safetensors");
    done(app.quant("quantize", "digits.safetensors", "-o", "x.safetensors", "--force"));
    assertThat(output).isNotEmptyFile();
    assertThat(Files.size(output)).isGreaterThan(100_000);
  }

  private static Run done(Run run) {
    assertThat(run.code()).as(run.err()).isZero();
    return run;
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }
}

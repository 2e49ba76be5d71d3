package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.monoquant.cli.Distribution.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The other commands, on one model that was quantized to a file and to a directory. */
class CommandsIT {

  @TempDir private static Path dir;
  private static Distribution app;

  @BeforeAll
  static void quantize() throws IOException {
    app = new Distribution(dir);
    Files.copy(Distribution.DIGITS, dir.resolve("digits.safetensors"));
    Files.writeString(dir.resolve("config.json"), "{}");
    done(app.quant("quantize", "digits.safetensors", "-o", "int8.safetensors"));
    done(app.quant("quantize", "digits.safetensors", "-o", "int8"));
  }

  @Test
  void inspectTellsWhatIsInAFileAndInADirectory() {
    Run file = done(app.quant("inspect", "int8.safetensors"));
    assertThat(file.out())
        .startsWith("int8.safetensors: safetensors, 13 tensors in 5 layers")
        .contains(
            "classifier.1.weight",
            "Linear",
            "int8@1 of F32  128x1024",
            "codes I8 128x1024, scale F32");
    assertThat(file.err()).isEmpty();
    JsonObject json = done(app.quant("inspect", "int8", "--json")).json();
    assertThat(json.get("kind").getAsString()).isEqualTo("inspection");
    assertThat(json.get("format").getAsString()).isEqualTo("compressed-tensors");
    assertThat(json.get("tensors").getAsInt()).isEqualTo(13);
  }

  @Test
  void compareDecodesEitherSide() {
    Run table = done(app.quant("compare", "digits.safetensors", "int8.safetensors"));
    assertThat(table.out())
        .contains("classifier.1.weight  F32   F32   128x1024     41.28")
        .contains("13 tensors in common: 9 equal, 4 different");
    JsonObject json = done(app.quant("compare", "int8", "int8", "--json")).json();
    assertThat(json.get("kind").getAsString()).isEqualTo("comparison");
    assertThat(json.get("identical").getAsBoolean()).isTrue();
  }

  @Test
  void dequantizeWritesFloatsThatCompareFindsEqual() {
    Run run = done(app.quant("dequantize", "int8.safetensors", "-o", "back.safetensors"));
    assertThat(run.out()).isEqualTo("back.safetensors" + System.lineSeparator());
    assertThat(run.err()).endsWith("quant: wrote back.safetensors" + System.lineSeparator());
    assertThat(app.quant("dequantize", "int8.safetensors", "-o", "back.safetensors").code())
        .isEqualTo(5);
    Run directory = done(app.quant("dequantize", "int8", "-o", "back", "--force", "--no-sync"));
    assertThat(directory.out().lines())
        .containsExactlyInAnyOrder(
            "back/config.json", "back/model.safetensors", "back/monoquant-manifest.json");
    JsonObject same =
        done(app.quant("compare", "back.safetensors", "int8.safetensors", "--json")).json();
    assertThat(same.get("identical").getAsBoolean()).isTrue();
  }

  @Test
  void pluginsListsAllFourKinds() {
    Run table = done(app.quant("plugins"));
    assertThat(table.out())
        .containsPattern("(?m)^input format +safetensors +quant-io-.*\\.jar$")
        .containsPattern("(?m)^layer quantizer +linear +")
        .containsPattern("(?m)^scheme +int8 +quant-schemes-.*\\.jar$")
        .containsPattern("(?m)^preset +FP8_DYNAMIC +fp8 channel; activations float8 token$")
        .containsPattern("(?m)^output format +compressed-tensors +")
        .doesNotContain("problem");
    JsonObject json = done(app.quant("plugins", "--json")).json();
    // Indented lines are options of the plugin above.
    long plugins =
        table
            .out()
            .lines()
            .filter(line -> !line.startsWith(" ") && !line.startsWith("preset"))
            .count();
    assertThat(json.getAsJsonArray("plugins")).hasSize((int) plugins);
    assertThat(table.out()).containsPattern("(?m)^ +--option mode=dynamic-row ");
    assertThat(json.getAsJsonArray("problems")).isEmpty();
  }

  @Test
  void doctorStartsTheEngine() {
    Run list = done(app.quant("doctor"));
    assertThat(list.out())
        .containsPattern("(?m)^engine +PyTorch .* works$")
        .containsPattern("(?m)^verdict +all is well$");
    JsonObject json = done(app.quant("doctor", "--json")).json();
    assertThat(json.get("engine_works").getAsBoolean()).isTrue();
  }

  @Test
  void helpNamesEveryCommandAndHasNoColourWhereItIsUnwanted() {
    Run help = done(app.with("NO_COLOR", "1").with("CLICOLOR_FORCE", "").quant());
    assertThat(help.out())
        .startsWith("Usage: quant ")
        .contains("quantize", "inspect", "compare", "dequantize", "plugins", "doctor", "130")
        .doesNotContain("\u001b");
    assertThat(done(app.quant("help", "quantize")).out())
        .startsWith("Usage: quant quantize INPUT -o OUTPUT [OPTIONS]");
    assertThat(done(app.quant("--version")).out()).matches("quant \\d+\\.\\d+\\.\\d+\\S*\\R");
    assertThat(done(app.quant("generate-completion")).out()).contains("complete -F");
  }

  @Test
  void aWrongUseIsOneLineOnStandardErrorAndOnStandardOutputOnlyAsJson() {
    Run usage = app.quant("quantize");
    assertThat(usage.code()).isEqualTo(2);
    assertThat(usage.out()).isEmpty();
    Run input = app.quant("inspect", "none.safetensors");
    assertThat(input.code()).isEqualTo(3);
    assertThat(input.out()).isEmpty();
    assertThat(input.err().lines()).hasSize(1);
    Run json = app.quant("inspect", "none.safetensors", "--json");
    assertThat(json.code()).isEqualTo(3);
    assertThat(json.json().get("kind").getAsString()).isEqualTo("failure");
    assertThat(json.err()).isEqualTo(input.err());
  }

  private static Run done(Run run) {
    assertThat(run.code()).as(run.err()).isZero();
    return run;
  }
}

package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.cli.Distribution.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A plugin of somebody else's, in a jar that the test makes from the example of the test kit. */
class PluginJarIT {

  private static final String SCHEME = "dev.monoquant.spi.Scheme";
  private static final String EXAMPLE = "dev.monoquant.testkit.example.PowerOfTwo";

  @TempDir private static Path dir;
  private static Path classes;
  private static Distribution app;

  @BeforeAll
  static void plugin() throws IOException {
    app = new Distribution(dir);
    Files.copy(Distribution.DIGITS, dir.resolve("digits.safetensors"));
    Path source =
        Distribution.ROOT
            .resolve("quant-testkit/src/test/java")
            .resolve(EXAMPLE.replace('.', '/') + ".java");
    classes = PluginJar.compile(dir, EXAMPLE, Files.readString(source));
    PluginJar.pack(dir.resolve("pow2.jar"), classes, SCHEME, EXAMPLE);
  }

  @Test
  void itsSchemeQuantizesAndIsNeededToReadWhatItWrote() {
    Run run =
        app.quant(
            "quantize",
            "digits.safetensors",
            "-o",
            "p.safetensors",
            "--plugin",
            "pow2.jar",
            "--scheme",
            "acme/pow2");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("acme/pow2 channel");
    Run back =
        app.quant("dequantize", "p.safetensors", "-o", "back.safetensors", "--plugin=pow2.jar");
    assertThat(back.code()).as(back.err()).isZero();
    Run without = app.quant("dequantize", "p.safetensors", "-o", "no.safetensors");
    assertThat(without.code()).as(without.err()).isBetween(2, 3);
    assertThat(without.err())
        .contains(
            "no scheme \"acme/pow2\"",
            "--plugin",
            "was made by \"dev.monoquant.testkit.example.PowerOfTwo ");
    assertThat(dir.resolve("no.safetensors")).doesNotExist();
  }

  @Test
  void theEnvironmentMayNameIt() {
    Run list = app.with("QUANT_PLUGINS", "pow2.jar").quant("plugins");
    assertThat(list.code()).as(list.err()).isZero();
    assertThat(list.out()).containsPattern("(?m)^scheme +acme/pow2 ");
    Run none = app.with("QUANT_PLUGINS", "none.jar").quant("plugins");
    assertThat(none.code()).isEqualTo(2);
    assertThat(none.err()).contains("QUANT_PLUGINS \"none.jar\": no such file");
  }

  @Test
  void aBrokenOneIsSaidAndHurtsOnlyWhoNeedsIt() throws IOException {
    PluginJar.pack(dir.resolve("broken.jar"), classes, SCHEME, "acme.Gone\n" + EXAMPLE);
    Run list = app.quant("plugins", "--plugin", "broken.jar");
    assertThat(list.code()).isZero();
    assertThat(list.out())
        .containsPattern("(?m)^problem: .*acme\\.Gone")
        .containsPattern("(?m)^scheme +acme/pow2 ");
    Run unused =
        app.quant("quantize", "digits.safetensors", "-o", "u.safetensors", "--plugin=broken.jar");
    assertThat(unused.code()).as(unused.err()).isZero();
    assertThat(unused.err()).contains("quant: warning: plugin: ", "acme.Gone");
    Run needed =
        app.quant(
            "quantize",
            "digits.safetensors",
            "-o",
            "n.safetensors",
            "--plugin=broken.jar",
            "--scheme=acme/gone");
    assertThat(needed.code()).isEqualTo(2);
    assertThat(needed.err()).contains("no scheme \"acme/gone\"", "acme.Gone");
    assertThat(app.quant("doctor", "--plugin=broken.jar").code()).isEqualTo(4);
  }

  @Test
  void twoOfOneNameAreAnErrorThatNamesBothJars() throws IOException {
    Path other =
        PluginJar.compile(
            Files.createDirectory(dir.resolve("other")),
            "acme.Twin",
            Files.readString(dir.resolve("src/" + EXAMPLE.replace('.', '/') + ".java"))
                .replace("package dev.monoquant.testkit.example;", "package acme;")
                .replace("PowerOfTwo", "Twin"));
    PluginJar.pack(dir.resolve("twin.jar"), other, SCHEME, "acme.Twin");
    Run run =
        app.quant(
            "quantize",
            "digits.safetensors",
            "-o",
            "t.safetensors",
            "--scheme=acme/pow2",
            "--plugin=pow2.jar",
            "--plugin=twin.jar");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("pow2.jar", "twin.jar", EXAMPLE, "acme.Twin");
  }

  @Test
  void oneThatBreaksItsPromiseIsNamedAndStopsTheRun() throws IOException {
    Path liar =
        PluginJar.compile(
            Files.createDirectory(dir.resolve("liar")),
            "acme.Liar",
            Files.readString(dir.resolve("src/" + EXAMPLE.replace('.', '/') + ".java"))
                .replace("package dev.monoquant.testkit.example;", "package acme;")
                .replace("PowerOfTwo", "Liar")
                .replace("acme/pow2", "acme/liar")
                .replace("return greatest;", "return 0;"));
    PluginJar.pack(dir.resolve("liar.jar"), liar, SCHEME, "acme.Liar");
    Run run =
        app.quant(
            "quantize",
            "digits.safetensors",
            "-o",
            "l.safetensors",
            "--scheme=acme/liar",
            "--plugin=liar.jar");
    assertThat(run.code()).as(run.err()).isEqualTo(4);
    assertThat(run.err()).contains("acme/liar", "classifier.1.weight").doesNotContain("\tat ");
    assertThat(dir.resolve("l.safetensors")).doesNotExist();
  }
}

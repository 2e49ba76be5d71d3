package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.Plugins;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README says what is so. */
class ReadmeTest {

  @TempDir private Path dir;

  @Test
  void theApiInTenLinesCompilesAndRuns() throws IOException, ReflectiveOperationException {
    String snippet =
        Readme.blocks("java").stream().filter(b -> b.contains("Quantizer")).findFirst().get();
    assertThat(snippet.lines().count()).isLessThanOrEqualTo(10);
    Path model = Files.copy(Distribution.DIGITS, dir.resolve("model.safetensors"));
    // "lm_head" is a layer of the reader's model; this one has others.
    String body = snippet.replace("\"lm_head\"", "\"classifier.4\"").replace("model", "m");
    String source =
        """
        import dev.monoquant.*;
        import dev.monoquant.core.*;
        import dev.monoquant.core.hand.*;
        import dev.monoquant.tile.*;
        import java.nio.file.Path;
        public class Snippet {
          public static void run(Path in, Path out) throws Exception {
        %s
          }
        }
        """
            .formatted(
                body.replace("Path.of(\"m.safetensors\")", "in")
                    .replace("Path.of(\"m-int8.safetensors\")", "out"));
    Path classes = PluginJar.compile(dir, "Snippet", source);
    Path output = dir.resolve("model-int8.safetensors");
    PrintStream terminal = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {classes.toUri().toURL()})) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      loader
          .loadClass("Snippet")
          .getMethod("run", Path.class, Path.class)
          .invoke(null, model, output);
    } finally {
      System.setOut(terminal);
    }
    assertThat(printed.toString(StandardCharsets.UTF_8)).contains("quantized: 3 weights");
    assertThat(Quantizer.create().inspect(ModelInput.of(output)).quantized())
        .extracting(weight -> weight.name())
        .containsExactlyInAnyOrder("classifier.1.weight", "features.0.weight", "features.3.weight");
    assertThat(model).hasSameBinaryContentAs(Distribution.DIGITS);
  }

  @Test
  void everyMentionedOptionIsThere() {
    Set<String> known =
        Main.commandLine().getSubcommands().values().stream()
            .flatMap(c -> c.getCommandSpec().options().stream())
            .flatMap(o -> Set.of(o.names()).stream())
            .collect(Collectors.toSet());
    String own =
        Readme.all()
            .lines()
            // Options of other programs.
            .filter(
                l ->
                    !l.contains("mvn ") && !l.contains("spark-submit") && !l.startsWith("#SBATCH "))
            .collect(Collectors.joining("\n"));
    List<String> mentioned =
        Pattern.compile("(?<![\\w-])--?[a-z][a-z-]*")
            .matcher(own)
            .results()
            .map(m -> m.group())
            .toList();
    assertThat(mentioned).hasSizeGreaterThan(30);
    assertThat(known).containsAll(mentioned);
  }

  @Test
  void theFrontPageIsShort() {
    assertThat(Readme.text().lines().count()).isLessThanOrEqualTo(130);
  }

  @Test
  void everySchemeIsMentioned() {
    Plugins.load().schemes().forEach(s -> assertThat(Readme.text()).contains("`" + s.id().name()));
  }

  @Test
  void theTestCommandIsTheOneThatIsRunOnEveryChange() throws IOException {
    assertThat(Files.readString(Distribution.ROOT.resolve(".ci/run")))
        .contains("`" + Readme.TEST + "`");
  }
}

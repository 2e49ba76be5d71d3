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
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The README says what is so. */
class ReadmeTest {

  private static final Path EXAMPLE =
      Distribution.ROOT.resolve("quant-testkit/src/test/java/dev/monoquant/testkit/example");

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
  void theSchemeOfOnesOwnIsTheTestedExample() throws IOException {
    assertThat(Readme.blocks("java"))
        .contains(
            Files.readString(EXAMPLE.resolve("PowerOfTwo.java")),
            Files.readString(EXAMPLE.resolve("PowerOfTwoTest.java")));
  }

  @Test
  void everyOptionAndCommandIsMentioned() {
    Set<String> missing = new TreeSet<>();
    CommandLine top = Main.commandLine();
    top.getSubcommands()
        .forEach(
            (name, command) -> {
              if (!name.equals("help") && !Readme.text().contains("`quant " + name)) {
                missing.add(name);
              }
              for (var option : command.getCommandSpec().options()) {
                for (String alias : option.names()) {
                  if (!Pattern.compile("`" + alias + "[ `]").matcher(Readme.text()).find()) {
                    missing.add(name + " " + alias);
                  }
                }
              }
            });
    assertThat(missing).isEmpty();
  }

  @Test
  void everyMentionedOptionIsThere() {
    Set<String> known =
        Main.commandLine().getSubcommands().values().stream()
            .flatMap(c -> c.getCommandSpec().options().stream())
            .flatMap(o -> Set.of(o.names()).stream())
            .collect(Collectors.toSet());
    String prose = Readme.text().replaceAll("(?ms)^```java\\n.*?^```$", "");
    String own = prose.lines().filter(l -> !l.contains("mvn ")).collect(Collectors.joining("\n"));
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
  void theTablesOfOptionsSayRightlyWhichCommandsHaveThem() {
    var commands = Main.commandLine().getSubcommands();
    List<String> rows =
        Pattern.compile("(?m)^\\| option \\| of \\| meaning \\|\\n.*\\n((?:\\|.*\\n)+)")
            .matcher(Readme.text())
            .results()
            .flatMap(table -> table.group(1).lines())
            .toList();
    assertThat(rows).hasSizeGreaterThan(12);
    for (String row : rows) {
      String option = row.replaceAll("^\\| `(--?[a-zA-Z-]+).*", "$1");
      String of = row.split("\\|", -1)[2].strip();
      Set<String> having =
          commands.entrySet().stream()
              .filter(c -> c.getValue().getCommandSpec().findOption(option) != null)
              .map(c -> c.getKey())
              .filter(c -> !c.equals("help") && !c.equals("generate-completion"))
              .collect(Collectors.toCollection(TreeSet::new));
      Set<String> said = of.equals("all") ? having : new TreeSet<>(List.of(of.split(", ")));
      assertThat(said).as(option).isEqualTo(having);
      if (of.equals("all")) {
        assertThat(having).as(option).hasSize(8);
      }
    }
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

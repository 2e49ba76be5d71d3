package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * The reference in {@code docs/command-line.md} is what the commands say of themselves. With {@code
 * -Dquant.docs=write} it is written anew instead of compared.
 */
class CommandReferenceTest {

  private static final Path PAGE = Distribution.ROOT.resolve("docs/command-line.md");
  private static final String START =
      "The rest of this page is generated from the descriptions that `quant COMMAND --help`"
          + " shows.\n";

  @Test
  void thePageIsWhatTheCommandsSay() throws IOException {
    String page = Files.readString(PAGE);
    assertThat(page).contains(START);
    String written = page.substring(0, page.indexOf(START) + START.length());
    String expected = written + reference();
    if ("write".equals(System.getProperty("quant.docs"))) {
      Files.writeString(PAGE, expected);
    }
    assertThat(Files.readString(PAGE))
        .as("docs/command-line.md; write it anew with -Dquant.docs=write")
        .isEqualTo(expected);
  }

  private static String reference() {
    return Main.commandLine().getSubcommands().values().stream()
        .map(CommandLine::getCommandSpec)
        .filter(spec -> !spec.name().equals("help"))
        .map(CommandReferenceTest::command)
        .collect(Collectors.joining());
  }

  private static String command(CommandSpec spec) {
    StringBuilder out = new StringBuilder("\n### quant " + spec.name() + "\n\n");
    String[] said = spec.usageMessage().description();
    out.append(paragraphs(said)).append("\n\n| | |\n|---|---|\n");
    for (PositionalParamSpec parameter : spec.positionalParameters()) {
      if (!parameter.hidden()) {
        row(out, "`" + parameter.paramLabel() + "`", parameter.description());
      }
    }
    for (OptionSpec option : options(spec)) {
      String label = option.arity().max() == 0 ? "" : " " + option.paramLabel();
      List<String> names = Arrays.asList(option.names());
      String shown =
          names.stream()
              .map(name -> "`" + name + (name.equals(option.longestName()) ? label : "") + "`")
              .collect(Collectors.joining(", "));
      row(out, shown, option.description());
    }
    return out.toString();
  }

  private static List<OptionSpec> options(CommandSpec spec) {
    return spec.options().stream().filter(option -> !option.hidden()).toList();
  }

  /** An empty line of a description ends a paragraph, {@code %n} a line. */
  private static String paragraphs(String... said) {
    return String.format(Locale.ROOT, String.join("\n", said)).strip();
  }

  private static void row(StringBuilder out, String name, String... said) {
    String text = String.format(Locale.ROOT, String.join(" ", said)).replaceAll("\\s+", " ");
    out.append("| ").append(name).append(" | ").append(text.replace("|", "\\|")).append(" |\n");
  }
}

package dev.monoquant.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What users read: the README and the pages about the command line, and the samples in them. */
final class Readme {

  /** The command that builds, and the one that tests. */
  static final String BUILD = "mvn -B -ntp -q -Dquick -DskipTests package";

  static final String TEST = "mvn -B -ntp verify";

  /** In an order in which a later page may use what the commands of an earlier one wrote. */
  private static final List<String> PAGES =
      List.of(
          "README.md",
          "docs/torchscript.md",
          "docs/calibration.md",
          "docs/recipes.md",
          "docs/command-line.md",
          "docs/schemes.md",
          "docs/scale.md");

  private Readme() {}

  /** The README alone. */
  static String text() {
    return text("README.md");
  }

  /** All pages, one after the other. */
  static String all() {
    return PAGES.stream().map(Readme::text).collect(Collectors.joining("\n"));
  }

  private static String text(String page) {
    try {
      return Files.readString(Distribution.ROOT.resolve(page));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The fenced blocks of all pages in a language, in order. */
  static List<String> blocks(String language) {
    return Pattern.compile("(?ms)^```" + language + "\\n(.*?)^```$")
        .matcher(all())
        .results()
        .map((MatchResult m) -> m.group(1))
        .toList();
  }

  /** Every command of every {@code sh} block, in order. */
  static List<String> commands() {
    return blocks("sh").stream().flatMap(String::lines).filter(line -> !line.isBlank()).toList();
  }
}

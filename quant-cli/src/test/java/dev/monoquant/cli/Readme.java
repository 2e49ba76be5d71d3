package dev.monoquant.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The README, and the samples in it. */
final class Readme {

  /** The command that builds, and the one that tests. */
  static final String BUILD = "mvn -B -ntp -q -Dquick -DskipTests package";

  static final String TEST = "mvn -B -ntp verify";

  private Readme() {}

  static String text() {
    try {
      return Files.readString(Distribution.ROOT.resolve("README.md"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The fenced blocks in a language, in order. */
  static List<String> blocks(String language) {
    return Pattern.compile("(?ms)^```" + language + "\\n(.*?)^```$")
        .matcher(text())
        .results()
        .map((MatchResult m) -> m.group(1))
        .toList();
  }

  /** Every command of every {@code sh} block, in order. */
  static List<String> commands() {
    return blocks("sh").stream().flatMap(String::lines).filter(line -> !line.isBlank()).toList();
  }
}

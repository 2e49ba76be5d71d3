package dev.monoquant.cli;

import java.util.Map;
import java.util.regex.Pattern;

/**
 * The terminal that shows results or messages: how wide they may be, and whether they may have
 * colours.
 *
 * @param columns the width of a line; the greatest integer if the output is no terminal, since a
 *     line that is searched or stored must be whole
 * @param colours whether words that matter have a colour
 */
record Terminal(int columns, boolean colours) {

  private static final int LEAST = 40;
  private static final Pattern TOLD = Pattern.compile("[0-9]{1,4}");
  private static final String RED = "\u001b[31m";
  private static final String YELLOW = "\u001b[33m";
  private static final String GREEN = "\u001b[32m";
  private static final String RESET = "\u001b[0m";

  /** Of this process, as the launcher tells. */
  static final Terminal HERE =
      of(System.getProperty("monoquant.terminal.results", ""), System.getenv());

  /** Of messages on standard error, of which lines are broken only there. */
  static final Terminal MESSAGES =
      of(System.getProperty("monoquant.terminal", ""), System.getenv());

  static Terminal of(String told, Map<String, String> environment) {
    int columns = TOLD.matcher(told).matches() ? Integer.parseInt(told) : 0;
    boolean plain =
        environment.getOrDefault("TERM", "dumb").equals("dumb")
            || environment.containsKey("CI")
            || !environment.getOrDefault("NO_COLOR", "").isEmpty();
    return columns == 0
        ? new Terminal(Integer.MAX_VALUE, false)
        : new Terminal(Math.max(LEAST, columns), !plain);
  }

  /** {@return a text whose lines fit, broken at blanks where there are any} */
  String show(String text) {
    StringBuilder out = new StringBuilder(text.length());
    text.lines().forEach(line -> append(line, out));
    return out.toString();
  }

  private void append(String line, StringBuilder out) {
    String rest = line;
    // At most half of the width, so that each turn takes some of the rest.
    int leading = line.length() - line.stripLeading().length();
    String indent = " ".repeat(Math.min(leading + 2, columns / 2));
    boolean first = true;
    while (rest.length() > columns) {
      int blank = rest.lastIndexOf(' ', columns);
      int cut = blank > indent.length() ? blank : columns;
      out.append(coloured(rest.substring(0, cut).stripTrailing(), first)).append('\n');
      rest = indent + rest.substring(cut).stripLeading();
      first = false;
    }
    out.append(coloured(rest, first)).append('\n');
  }

  private String coloured(String line, boolean first) {
    if (!colours || !first) {
      return line;
    }
    if (line.startsWith("warning: ")) {
      return word(line, "warning", YELLOW);
    }
    if (line.startsWith("error: ")) {
      return word(line, "error", RED);
    }
    if (line.startsWith("gate ")) {
      return word(word(line, "missed", RED), "passed", GREEN);
    }
    return line;
  }

  /** Colours the first occurrence, before anything that a model may have named. */
  private static String word(String line, String word, String colour) {
    int at = line.indexOf(word);
    int end = line.indexOf(':');
    return at < 0 || at > end
        ? line
        : line.substring(0, at) + colour + word + RESET + line.substring(at + word.length());
  }
}

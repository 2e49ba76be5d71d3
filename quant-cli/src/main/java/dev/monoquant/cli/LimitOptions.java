package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The bounds on what is read of inputs, which keep a hostile file from taking all memory. */
final class LimitOptions {

  private static final String PREFIX = "max";
  private static final String NAMED = "limit " + PREFIX;
  private static final String EXAMPLE = "maxParsedBytes=1000000000";

  @Option(
      names = "--limit",
      paramLabel = "NAME=NUMBER",
      description =
          "Changes a limit on what is read of an input, by the name that the message has which"
              + " refuses it, such as "
              + EXAMPLE
              + ". May be repeated.")
  private List<String> limits = new ArrayList<>();

  Quantizer applyTo(Quantizer quantizer) {
    if (limits.isEmpty()) {
      return quantizer;
    }
    ReadLimits changed = ReadLimits.DEFAULT;
    for (String limit : limits) {
      String[] pair = ConfigOptions.pair("--limit", limit, EXAMPLE);
      changed = changed.changed(pair[0], number(limit, pair[1]));
    }
    return quantizer.withLimits(changed);
  }

  /**
   * {@return a message, and the option that changes the limit that it names}
   *
   * @param message what refuses an input; as it is where it names no limit
   */
  static String withRemedy(String message) {
    int at = message.indexOf(NAMED);
    if (at < 0) {
      return message;
    }
    int start = at + NAMED.length() - PREFIX.length();
    int end = start;
    while (end < message.length() && Character.isLetter(message.charAt(end))) {
      end++;
    }
    return message + " The option is --limit " + message.substring(start, end) + "=NUMBER.";
  }

  private static long number(String limit, String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new ConfigurationException(
          "--limit "
              + QuantException.quote(limit)
              + ": a whole number is needed. Example: --limit "
              + EXAMPLE);
    }
  }
}

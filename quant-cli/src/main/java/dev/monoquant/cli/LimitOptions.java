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

  private static final String EXAMPLE = "maxParsedBytes=1000000000";

  /** What a user can do about an input that is over a limit. */
  static final String REMEDY =
      "a limit is raised by --limit NAME=NUMBER, such as --limit " + EXAMPLE;

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

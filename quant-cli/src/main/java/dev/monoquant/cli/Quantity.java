package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

/** Reads numbers with a unit, which have the same spelling in all options. */
final class Quantity {

  private static final Map<String, Long> TIMES = Map.of("s", 1L, "m", 60L, "h", 3600L);
  private static final Map<String, Long> SIZES =
      Map.of("k", 1L << 10, "m", 1L << 20, "g", 1L << 30);

  private Quantity() {}

  /**
   * {@return a number of bytes above 0}
   *
   * @param option the option, for messages
   * @param text a whole number with k, m or g, such as 8g
   * @param example a text that is allowed, for messages
   */
  static long bytes(String option, String text, String example) {
    return number(option, text, SIZES, example);
  }

  /**
   * {@return a time above 0}
   *
   * @param option the option, for messages
   * @param text a whole number with s, m or h, such as 10m
   * @param example a text that is allowed, for messages
   */
  static Duration time(String option, String text, String example) {
    return Duration.ofSeconds(number(option, text, TIMES, example));
  }

  private static long number(String option, String text, Map<String, Long> units, String example) {
    int digits = 0;
    while (digits < text.length() && text.charAt(digits) >= '0' && text.charAt(digits) <= '9') {
      digits++;
    }
    Long unit = units.get(text.substring(digits).toLowerCase(Locale.ROOT));
    try {
      if (unit != null && digits > 0) {
        long number = Math.multiplyExact(Long.parseLong(text.substring(0, digits)), unit);
        if (number > 0) {
          return number;
        }
      }
    } catch (ArithmeticException | NumberFormatException e) {
      // As for any other text.
    }
    throw new ConfigurationException(
        option
            + " "
            + QuantException.quote(text)
            + " is not a number above 0 with one of the units "
            + String.join(", ", new TreeSet<>(units.keySet()))
            + ". Example: "
            + option
            + " "
            + example);
  }
}

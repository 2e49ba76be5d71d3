package dev.monoquant.core;

import static java.util.Objects.requireNonNull;

/**
 * A limit that an output had to keep, and what was measured.
 *
 * @param name {@code min-sqnr}, {@code min-cosine} or {@code max-size-ratio}
 * @param limit the limit: decibels, a cosine, or bytes after by bytes before
 * @param value what was measured, the worst where there are several; NaN if nothing was
 * @param passed whether the limit was kept
 * @param detail what the value is of, in a sentence with the value
 */
public record GateResult(String name, double limit, double value, boolean passed, String detail) {

  static final String MIN_SQNR = "min-sqnr";
  static final String MIN_COSINE = "min-cosine";
  static final String MAX_SIZE_RATIO = "max-size-ratio";

  /** Checks that nothing is null. */
  public GateResult {
    requireNonNull(name, "name");
    requireNonNull(detail, "detail");
  }

  void describe(Fields out) {
    out.text("name", name)
        .number("limit", limit)
        .number("value", value)
        .flag("passed", passed)
        .text("detail", detail);
  }

  /** The limit as it reads beside the value. */
  String limitText() {
    int digits =
        switch (name) {
          case MIN_SQNR -> 2;
          case MAX_SIZE_RATIO -> 4;
          default -> 6;
        };
    return number(limit, value, digits);
  }

  /** A number with as many digits as it takes to tell it from another one. */
  static String number(double number, double other, int digits) {
    for (int places = digits; places <= 17; places++) {
      String text = Text.format("%." + places + "f", number);
      if (number == other || !text.equals(Text.format("%." + places + "f", other))) {
        return text;
      }
    }
    return Double.toString(number);
  }
}

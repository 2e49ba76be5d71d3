package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;

/**
 * The result of a gate: the limit and the measured value.
 *
 * @param name {@code min-sqnr}, {@code min-cosine}, {@code min-weight-cosine}, {@code
 *     min-output-sqnr}, {@code min-speedup} or {@code max-size-ratio}
 * @param limit the limit: decibels, a cosine, a speed-up, or bytes after divided by bytes before
 * @param value the measured value, the worst of several; NaN if nothing was measured
 * @param passed whether the value is within the limit
 * @param ofWeights whether the limit is one of each weight; {@code min-sqnr} is none of them if it
 *     is the default limit for outputs
 * @param detail a sentence with the value and its subject
 */
public record GateResult(
    String name, double limit, double value, boolean passed, boolean ofWeights, String detail) {

  /** The name of the gate of {@code --min-sqnr}. */
  public static final String MIN_SQNR = "min-sqnr";

  /** The name of the gate of {@code --min-cosine}. */
  public static final String MIN_COSINE = "min-cosine";

  /** The name of the gate of {@code --min-weight-cosine}. */
  public static final String MIN_WEIGHT_COSINE = "min-weight-cosine";

  /** The name of the gate of {@code --min-output-sqnr}. */
  public static final String MIN_OUTPUT_SQNR = "min-output-sqnr";

  /** The name of the gate of {@code --min-speedup}. */
  public static final String MIN_SPEEDUP = "min-speedup";

  /** The name of the gate of {@code --max-size-ratio}. */
  public static final String MAX_SIZE_RATIO = "max-size-ratio";

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

  /** {@return the limit, with enough digits to distinguish it from the value} */
  public String limitText() {
    return Text.number(limit, value, digits());
  }

  /** {@return the value in the same way; {@code -} if nothing was measured} */
  public String valueText() {
    return Double.isNaN(value) ? "-" : Text.number(value, limit, digits());
  }

  private int digits() {
    return switch (name) {
      case MIN_SQNR, MIN_OUTPUT_SQNR, MIN_SPEEDUP -> 2;
      case MAX_SIZE_RATIO -> 4;
      default -> 6;
    };
  }
}

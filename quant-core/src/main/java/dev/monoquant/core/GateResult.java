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

  /** Checks that nothing is null. */
  public GateResult {
    requireNonNull(name, "name");
    requireNonNull(detail, "detail");
  }
}

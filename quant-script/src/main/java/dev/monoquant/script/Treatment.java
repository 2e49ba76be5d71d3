package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

/**
 * The result of rewriting for one weight.
 *
 * @param weight its name
 * @param mode how it is executed; may differ from the requested mode
 * @param note a sentence for the report
 */
public record Treatment(String weight, Mode mode, String note) {

  /** Checks that nothing is null. */
  public Treatment {
    requireNonNull(weight, "weight");
    requireNonNull(mode, "mode");
    requireNonNull(note, "note");
  }
}

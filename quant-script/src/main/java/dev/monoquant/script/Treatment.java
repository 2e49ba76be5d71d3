package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

/**
 * What became of a weight.
 *
 * @param weight its name
 * @param mode how it is executed, which may be less than was asked for
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

package dev.monoquant.testkit.data;

import dev.monoquant.spi.Options;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.List;

/** Options to try a scheme with. */
public final class OptionSamples {

  private OptionSamples() {}

  /**
   * Every combination of some widths and granularities, symmetric and not.
   *
   * @param base all other options
   * @param bits widths of codes
   * @param granularities how many numbers share a scale
   * @return the options, symmetric ones first
   */
  public static List<Options> combinations(
      Options base, List<Integer> bits, List<Granularity> granularities) {
    List<Options> all = new ArrayList<>();
    for (boolean symmetric : new boolean[] {true, false}) {
      for (int width : bits) {
        for (Granularity granularity : granularities) {
          all.add(base.withSymmetric(symmetric).withBits(width).withGranularity(granularity));
        }
      }
    }
    return all;
  }
}

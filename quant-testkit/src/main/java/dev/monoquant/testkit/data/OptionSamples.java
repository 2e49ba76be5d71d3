package dev.monoquant.testkit.data;

import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Options;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

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

  /**
   * The options of a plugin's own, all at their defaults, and then each of them at every one of its
   * {@linkplain OptionSpec#examples() examples}, with the others at their defaults.
   *
   * @param options the descriptions
   * @return complete values, at least one
   */
  public static List<OptionValues> each(List<OptionSpec<?>> options) {
    Map<String, String> defaults = new TreeMap<>();
    options.forEach(option -> defaults.put(option.name(), option.examples().get(0)));
    Set<OptionValues> all = new LinkedHashSet<>();
    all.add(new OptionValues(defaults));
    for (OptionSpec<?> option : options) {
      for (String example : option.examples()) {
        Map<String, String> values = new TreeMap<>(defaults);
        values.put(option.name(), example);
        all.add(new OptionValues(values));
      }
    }
    return List.copyOf(all);
  }
}

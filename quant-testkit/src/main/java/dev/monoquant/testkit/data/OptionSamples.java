package dev.monoquant.testkit.data;

import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Options to test a scheme with. */
public final class OptionSamples {

  private OptionSamples() {}

  /**
   * Every combination of some widths and granularities, symmetric and asymmetric.
   *
   * @param base all other options
   * @param bits widths of codes
   * @param granularities how many values share a scale
   * @return the options, symmetric ones first
   */
  public static List<OptionValues> combinations(
      OptionValues base, List<Integer> bits, List<Granularity> granularities) {
    List<OptionValues> all = new ArrayList<>();
    for (boolean symmetric : new boolean[] {true, false}) {
      for (int width : bits) {
        for (Granularity granularity : granularities) {
          all.add(
              base.with(CommonOptions.SYMMETRIC, symmetric)
                  .with(CommonOptions.BITS, width)
                  .with(CommonOptions.GRANULARITY, granularity));
        }
      }
    }
    return all;
  }

  /**
   * The declared options of a plugin: first all defaults, then each option at each of its
   * {@linkplain OptionSpec#examples() examples}, with the others at their defaults.
   *
   * @param options the options
   * @return complete values, at least one
   */
  public static List<OptionValues> each(List<OptionSpec<?>> options) {
    return around(OptionValues.defaults(options), options);
  }

  /**
   * Given values, then each option at each of its {@linkplain OptionSpec#examples() examples}, with
   * the others unchanged.
   *
   * @param base a value for each option
   * @param options the options
   * @return complete values, at least one
   */
  public static List<OptionValues> around(OptionValues base, List<OptionSpec<?>> options) {
    Set<OptionValues> all = new LinkedHashSet<>();
    all.add(base);
    for (OptionSpec<?> option : options) {
      for (String example : option.examples()) {
        all.add(base.with(Map.of(option.name(), example)));
      }
    }
    return List.copyOf(all);
  }
}

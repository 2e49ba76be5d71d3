package dev.monoquant.testkit.data;

import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Options to test a scheme with. */
public final class OptionSamples {

  private OptionSamples() {}

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

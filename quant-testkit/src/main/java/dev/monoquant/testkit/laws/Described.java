package dev.monoquant.testkit.laws;

import dev.monoquant.spi.OptionSpec;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/** Laws for the declared options of any plugin. */
final class Described {

  private Described() {}

  /** The options by name; names must be unique and the same at each call. */
  static Map<String, OptionSpec<?>> options(
      String law, Object subject, Supplier<List<OptionSpec<?>>> options) {
    Map<String, OptionSpec<?>> known = named(law, subject, options.get());
    String described = known.values().toString();
    String again = named(law, subject, options.get()).values().toString();
    if (!described.equals(again)) {
      throw new LawViolation(
          law, subject, "the first call returned " + described + ", the second " + again);
    }
    return known;
  }

  private static Map<String, OptionSpec<?>> named(
      String law, Object subject, List<OptionSpec<?>> options) {
    Map<String, OptionSpec<?>> known = new TreeMap<>();
    for (OptionSpec<?> option : options) {
      if (known.put(option.name(), option) != null) {
        throw new LawViolation(
            law, subject, "it declares two options of the name " + option.name());
      }
    }
    return known;
  }
}

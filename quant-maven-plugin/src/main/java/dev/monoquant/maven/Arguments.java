package dev.monoquant.maven;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Parameters of goals as arguments of the command line. */
final class Arguments {

  private Arguments() {}

  /** Adds an option, if it has a value. */
  static void add(String option, @Nullable Object value, List<String> all) {
    if (value != null) {
      all.add(option + "=" + value);
    }
  }

  /** Adds an option once for each value. */
  static void addAll(String option, List<?> values, List<String> all) {
    values.forEach(value -> add(option, value, all));
  }

  /** Adds an option once for each pair. */
  static void addAll(String option, Map<String, String> values, List<String> all) {
    values.forEach((name, value) -> all.add(option + "=" + name + "=" + value));
  }
}

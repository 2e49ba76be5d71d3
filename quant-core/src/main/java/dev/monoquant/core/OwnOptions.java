package dev.monoquant.core;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.Scheme;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The options of a scheme's own: which there are, and what a configuration may say about them. */
final class OwnOptions {

  private final String scheme;
  private final Map<String, OptionSpec<?>> specs = new LinkedHashMap<>();

  private OwnOptions(Scheme scheme) {
    this.scheme = scheme.id().name();
    scheme.options().forEach(spec -> specs.put(spec.name(), spec));
  }

  static OwnOptions of(Scheme scheme) {
    return new OwnOptions(scheme);
  }

  /** The values in their canonical form, each checked against the description of its option. */
  Map<String, String> checked(Map<String, String> given) {
    Map<String, String> checked = new TreeMap<>();
    given.forEach(
        (name, value) -> {
          OptionSpec<?> spec = specs.get(name);
          if (spec == null) {
            throw unknown(name);
          }
          try {
            checked.put(name, spec.canonical(value));
          } catch (ConfigurationException e) {
            throw new ConfigurationException("scheme " + scheme + ": " + e.getMessage(), e);
          }
        });
    return checked;
  }

  /**
   * A value for every option: the given one, else the scheme's for that weight, else the default.
   */
  Map<String, String> complete(Map<String, String> given, Map<String, String> defaults) {
    Map<String, String> complete = new TreeMap<>();
    specs.forEach((name, spec) -> complete.put(name, String.valueOf(spec.defaultValue())));
    complete.putAll(checked(defaults));
    complete.putAll(given);
    return complete;
  }

  private ConfigurationException unknown(String name) {
    return new ConfigurationException(
        "scheme "
            + scheme
            + " has no option "
            + QuantException.quote(name)
            + Nearest.of(name, specs.keySet()).map(n -> "; did you mean " + n + "?").orElse(".")
            + " It has "
            + (specs.isEmpty()
                ? "none"
                : specs.values().stream()
                    .map(OptionSpec::toString)
                    .collect(Collectors.joining(", "))));
  }
}

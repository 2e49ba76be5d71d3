package dev.monoquant.core;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.Scheme;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The options of a plugin's own: which there are, and what a configuration may say about them. */
final class OwnOptions {

  /** Of no plugin. */
  static final OwnOptions NONE = new OwnOptions("", List.of());

  private final String owner;
  private final Map<String, OptionSpec<?>> specs = new LinkedHashMap<>();

  private OwnOptions(String owner, List<OptionSpec<?>> options) {
    this.owner = owner;
    options.forEach(spec -> specs.put(spec.name(), spec));
  }

  static OwnOptions of(Scheme scheme) {
    return new OwnOptions("scheme " + scheme.id().name(), scheme.options());
  }

  static OwnOptions of(OutputFormat format) {
    return new OwnOptions("format " + format.id(), format.options());
  }

  /**
   * An option is for whoever has one of that name, be it both; one that nobody has is an error.
   *
   * @param other the other plugin that is given options in the same way
   */
  void requireKnown(Set<String> names, OwnOptions other) {
    for (String name : names) {
      if (!specs.containsKey(name) && !other.specs.containsKey(name)) {
        throw unknown(name, other);
      }
    }
  }

  /**
   * Those of the values that are for this plugin, in their canonical form, each checked against the
   * description of its option.
   */
  Map<String, String> checked(Map<String, String> given) {
    Map<String, String> checked = new TreeMap<>();
    specs.forEach(
        (name, spec) -> {
          String value = given.get(name);
          if (value == null) {
            return;
          }
          try {
            checked.put(name, spec.canonical(value));
          } catch (ConfigurationException e) {
            throw new ConfigurationException(owner + ": " + e.getMessage(), e);
          }
        });
    return checked;
  }

  /**
   * A value for every option: the given one, else the plugin's for that weight, else the default.
   */
  Map<String, String> complete(Map<String, String> given, Map<String, String> defaults) {
    requireKnown(defaults.keySet(), NONE);
    Map<String, String> complete = new TreeMap<>();
    specs.forEach((name, spec) -> complete.put(name, String.valueOf(spec.defaultValue())));
    complete.putAll(checked(defaults));
    complete.putAll(given);
    return complete;
  }

  private ConfigurationException unknown(String name, OwnOptions other) {
    Map<String, OptionSpec<?>> all = new LinkedHashMap<>(specs);
    all.putAll(other.specs);
    return new ConfigurationException(
        owner
            + (other.specs.isEmpty() ? " has" : " and " + other.owner + " have")
            + " no option "
            + QuantException.quote(name)
            + Nearest.of(name, all.keySet()).map(n -> "; did you mean " + n + "?").orElse(".")
            + (other.specs.isEmpty() ? " It has " : " They have ")
            + (all.isEmpty()
                ? "none"
                : all.values().stream()
                    .map(OptionSpec::toString)
                    .collect(Collectors.joining(", "))));
  }
}

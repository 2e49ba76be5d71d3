package dev.monoquant.core;

import dev.monoquant.ConfigurationException;
import dev.monoquant.PluginException;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.PluginEntry;
import dev.monoquant.spi.Scheme;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The options of one plugin's own: which there are, and what a configuration says about them. */
final class OwnOptions {

  private final PluginEntry<?> owner;
  private final Map<String, OptionSpec<?>> specs = new LinkedHashMap<>();

  private OwnOptions(PluginEntry<?> owner) {
    this.owner = owner;
    try {
      owner.options().forEach(spec -> specs.put(spec.name(), spec));
    } catch (RuntimeException e) {
      throw new PluginException(this + " failed to describe its options: " + e, e);
    }
  }

  static OwnOptions of(PluginEntry<?> owner) {
    return new OwnOptions(owner);
  }

  static OwnOptions of(Scheme scheme) {
    return of(new PluginEntry<>(PluginEntry.Kind.SCHEME, scheme.id().name(), scheme));
  }

  static OwnOptions of(LayerQuantizer quantizer) {
    return of(new PluginEntry<>(PluginEntry.Kind.LAYER_QUANTIZER, quantizer.id(), quantizer));
  }

  static OwnOptions of(InputFormatDetector format) {
    return of(new PluginEntry<>(PluginEntry.Kind.INPUT_FORMAT, format.id(), format));
  }

  static OwnOptions of(OutputFormat format) {
    return of(new PluginEntry<>(PluginEntry.Kind.OUTPUT_FORMAT, format.id(), format));
  }

  PluginEntry.Kind kind() {
    return owner.kind();
  }

  String id() {
    return owner.id();
  }

  boolean has(String name) {
    return specs.containsKey(name);
  }

  Set<String> names() {
    return specs.keySet();
  }

  Collection<OptionSpec<?>> specs() {
    return specs.values();
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
            throw new ConfigurationException(this + ": " + e.getMessage(), e);
          }
        });
    return checked;
  }

  /**
   * A value for every option: the given one, else the plugin's for that weight, else the default.
   *
   * @param given values that were checked
   * @param defaults values of the plugin, which must have described them
   */
  Map<String, String> complete(Map<String, String> given, Map<String, String> defaults) {
    for (String name : defaults.keySet()) {
      if (!has(name)) {
        throw new ConfigurationException(
            this
                + " has a default for an option that it does not describe: "
                + name
                + ". It describes "
                + (specs.isEmpty()
                    ? "none"
                    : specs.values().stream()
                        .map(OptionSpec::toString)
                        .collect(Collectors.joining(", "))));
      }
    }
    Map<String, String> complete = new TreeMap<>();
    specs.forEach((name, spec) -> complete.put(name, String.valueOf(spec.defaultValue())));
    complete.putAll(checked(defaults));
    complete.putAll(given);
    return complete;
  }

  /** A value for every option: the given one, else the default. */
  OptionValues values(Map<String, String> given) {
    return new OptionValues(complete(checked(given), Map.of()));
  }

  /** {@return the plugin, for messages} */
  @Override
  public String toString() {
    return owner.kind().text() + " " + owner.id();
  }
}

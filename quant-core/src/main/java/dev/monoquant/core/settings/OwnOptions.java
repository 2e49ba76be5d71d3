package dev.monoquant.core.settings;

import dev.monoquant.ConfigurationException;
import dev.monoquant.PluginException;
import dev.monoquant.QuantException;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.PluginEntry;
import dev.monoquant.spi.Scheme;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The options of one plugin: their descriptions, and their values in a configuration. Only schemes
 * have those of {@link CommonOptions}; {@link #names}, {@link #has} and {@link #specs} are about
 * the others, which {@code --option} sets.
 */
public final class OwnOptions {

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

  public static OwnOptions of(PluginEntry<?> owner) {
    return new OwnOptions(owner);
  }

  public static OwnOptions of(Scheme scheme) {
    return of(new PluginEntry<>(PluginEntry.Kind.SCHEME, scheme.id().name(), scheme));
  }

  public static OwnOptions of(LayerQuantizer quantizer) {
    return of(new PluginEntry<>(PluginEntry.Kind.LAYER_QUANTIZER, quantizer.id(), quantizer));
  }

  public static OwnOptions of(InputFormatDetector format) {
    return of(new PluginEntry<>(PluginEntry.Kind.INPUT_FORMAT, format.id(), format));
  }

  public static OwnOptions of(OutputFormat format) {
    return of(new PluginEntry<>(PluginEntry.Kind.OUTPUT_FORMAT, format.id(), format));
  }

  public PluginEntry.Kind kind() {
    return owner.kind();
  }

  public String id() {
    return owner.id();
  }

  public boolean has(String name) {
    return specs.containsKey(name) && !CommonOptions.NAMES.contains(name);
  }

  public Set<String> names() {
    return specs.keySet().stream().filter(this::has).collect(Collectors.toSet());
  }

  public List<OptionSpec<?>> specs() {
    return specs.values().stream().filter(spec -> has(spec.name())).toList();
  }

  /** Whether a common option may have a value; false if this plugin does not have the option. */
  public boolean allows(String name, String value) {
    OptionSpec<?> spec = specs.get(name);
    if (spec == null) {
      return false;
    }
    try {
      spec.parse(value);
      return true;
    } catch (ConfigurationException e) {
      return false;
    }
  }

  /** The allowed values of a common option, for messages. */
  public String allowed(String name) {
    OptionSpec<?> spec = specs.get(name);
    return spec == null ? "no option " + name : name + " " + spec.allowed();
  }

  /**
   * The common options that a configuration sets; the plugin must have each option and allow its
   * value.
   */
  public Map<String, String> checkedCommon(Map<String, String> given) {
    for (String name : given.keySet()) {
      if (!specs.containsKey(name)) {
        String known =
            specs.values().stream()
                .filter(spec -> CommonOptions.NAMES.contains(spec.name()))
                .map(OptionSpec::toString)
                .collect(Collectors.joining(", "));
        throw new ConfigurationException(
            this
                + " has no option "
                + name
                + ", which is set to "
                + QuantException.quote(given.get(name))
                + ". It has "
                + (known.isEmpty() ? "none of the common ones" : known)
                + ". Leave it out, or choose another scheme");
      }
    }
    return checked(given);
  }

  /**
   * The values for options of this plugin, in canonical form, each checked against the description
   * of its option.
   */
  public Map<String, String> checked(Map<String, String> given) {
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
            throw new ConfigurationException(
                this
                    + ": "
                    + e.getMessage()
                    + (CommonOptions.NAMES.contains(name)
                        ? ". Leave it out, or choose another scheme"
                        : ""),
                e);
          }
        });
    return checked;
  }

  /**
   * A value for every option: the given one, else the plugin's for that weight, else the default.
   *
   * @param given values that were checked
   * @param defaults values of the plugin, for options that it must have described
   */
  public OptionValues complete(Map<String, String> given, OptionValues defaults) {
    for (String name : defaults.texts().keySet()) {
      if (!specs.containsKey(name)) {
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
    return OptionValues.defaults(specs.values())
        .with(checked(defaults.texts()))
        .with(given)
        .withoutImplied(specs.values());
  }

  /** A value for every option: the given one, else the default. */
  public OptionValues values(Map<String, String> given) {
    return complete(checked(given), OptionValues.DEFAULTS);
  }

  /** The command-line arguments that set the changed values, such as {@code --bits 8}. */
  public static String arguments(OptionValues from, OptionValues to) {
    return to.texts().entrySet().stream()
        .filter(e -> !e.getValue().equals(from.texts().get(e.getKey())))
        .map(e -> OptionSpec.argument(e.getKey(), e.getValue()))
        .collect(Collectors.joining(" "));
  }

  /** {@return the plugin, for messages} */
  @Override
  public String toString() {
    return owner.kind().text() + " " + owner.id();
  }
}

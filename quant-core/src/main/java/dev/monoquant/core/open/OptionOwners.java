package dev.monoquant.core.open;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Nearest;
import dev.monoquant.QuantException;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.settings.OwnOptions;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.PluginEntry;
import dev.monoquant.spi.Plugins;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The plugins that take part in a run; their options may be set.
 *
 * @param all every loaded plugin, to name the plugin of an option that none of the owners has
 * @param owners the plugins that take part
 */
public record OptionOwners(Plugins all, List<OwnOptions> owners) {

  /**
   * An option applies to every plugin that declares it. An option that no plugin declares is an
   * error.
   */
  public void requireKnown(Collection<String> names) {
    for (String name : names) {
      if (owners.stream().noneMatch(owner -> owner.has(name))) {
        throw new ConfigurationException(refusal(name));
      }
    }
  }

  private String refusal(String name) {
    List<OwnOptions> others =
        all.entries().stream().map(OwnOptions::of).filter(other -> other.has(name)).toList();
    return others.isEmpty() ? unknown(name) : misplaced(name, others);
  }

  private String unknown(String name) {
    // A plugin without options is listed only if it is the chosen scheme.
    List<OwnOptions> helpful =
        owners.stream()
            .filter(o -> o.kind() == PluginEntry.Kind.SCHEME || !o.names().isEmpty())
            .toList();
    List<OwnOptions> named = helpful.isEmpty() ? owners : helpful;
    Set<String> known = new TreeSet<>();
    owners.forEach(owner -> known.addAll(owner.names()));
    return text(named)
        + (named.size() == 1 ? " has" : " have")
        + " no option "
        + QuantException.quote(name)
        + Nearest.of(name, known).map(n -> "; did you mean " + n + "?").orElse(".")
        + (named.size() == 1 ? " It has " : " They have ")
        + (known.isEmpty()
            ? "none"
            : owners.stream()
                .flatMap(owner -> owner.specs().stream())
                .map(OptionSpec::toString)
                .distinct()
                .collect(Collectors.joining(", ")));
  }

  /** The message for an option of a plugin that does not take part. */
  private String misplaced(String name, List<OwnOptions> others) {
    PluginEntry.Kind kind = others.get(0).kind();
    List<OwnOptions> instead = owners.stream().filter(owner -> owner.kind() == kind).toList();
    return "option "
        + name
        + " belongs to "
        + text(others)
        + (instead.isEmpty()
            ? ", and no " + kind.text() + " takes part here"
            : ", and the "
                + kind.text()
                + " is "
                + instead.stream()
                    .map(OwnOptions::id)
                    .distinct()
                    .collect(Collectors.joining(" and ")))
        + ". Leave it out"
        + instead(others.get(0));
  }

  /** How to choose the plugin that has the option, if it can be chosen. */
  private String instead(OwnOptions other) {
    boolean quantizes = owners.stream().anyMatch(o -> o.kind() == PluginEntry.Kind.SCHEME);
    return switch (other.kind()) {
      case SCHEME -> quantizes ? ", or choose --scheme " + other.id() : "";
      case OUTPUT_FORMAT -> quantizes ? ", or choose --format " + other.id() : "";
      case SCALE_MAPPING -> quantizes ? ", or add --option edit=awq or edit=smoothquant" : "";
      case INPUT_FORMAT, LAYER_QUANTIZER, GGUF_ARCHITECTURE, CALIBRATION_READER, REMOTE_STORE -> "";
    };
  }

  private static String text(List<OwnOptions> plugins) {
    return plugins.stream()
        .map(OwnOptions::toString)
        .distinct()
        .collect(Collectors.joining(" and "));
  }

  /**
   * Refuses input options that none of the inputs of a call has.
   *
   * @throws ConfigurationException naming them
   */
  public static void requireKnown(Settings settings, Opened... inputs) {
    List<OwnOptions> owners = Arrays.stream(inputs).map(Opened::own).toList();
    new OptionOwners(settings.plugins(), owners).requireKnown(settings.inputOptions().keySet());
  }
}

package dev.monoquant.core.plan;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.settings.OwnOptions;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.spi.EditOptions;
import dev.monoquant.spi.PluginEntry;
import java.util.List;
import java.util.Map;

/** What a plan checks of the options of edits. */
final class EditRule {

  private EditRule() {}

  /**
   * The options of edits, if an edit is named; they belong to all mappings alike. Without one, an
   * option of the same name is a scheme's.
   */
  static List<OwnOptions> owners(Settings settings, QuantizationConfig config) {
    boolean set =
        isSet(config.weights().extra())
            || config.rules().stream().anyMatch(rule -> isSet(rule.settings().extra()));
    if (!set) {
      return List.of();
    }
    return settings.plugins().scaleMappings().stream()
        .limit(1)
        .map(m -> OwnOptions.of(new PluginEntry<>(PluginEntry.Kind.SCALE_MAPPING, m.id(), m)))
        .toList();
  }

  private static boolean isSet(Map<String, String> extra) {
    return extra.containsKey(EditOptions.EDIT.name());
  }

  /** Refuses an edit that nothing applies. */
  static void requireApplied(Settings settings, QuantizationConfig config) {
    String edit = config.weights().extra().getOrDefault(EditOptions.EDIT.name(), EditOptions.NONE);
    if (settings.edits().isEmpty() && !edit.equals(EditOptions.NONE)) {
      throw new ConfigurationException(
          "edit="
              + edit
              + " is applied while a whole output is quantized (quant quantize), and not here. Leave"
              + " it out");
    }
  }
}

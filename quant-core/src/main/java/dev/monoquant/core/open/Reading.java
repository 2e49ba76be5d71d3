package dev.monoquant.core.open;

import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadChoices;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How an input is read, where it leaves a choice: other choices are other numbers, though the file
 * is the same.
 *
 * @param choices what to take of a file
 * @param options a value for each option of the input format's own
 */
public record Reading(ReadChoices choices, OptionValues options) {

  public static Reading of(ModelInput input, OptionValues options) {
    return new Reading(
        input instanceof ModelInput.OfPath of ? of.choices() : ReadChoices.DEFAULT, options);
  }

  /** For outputs, in a fixed order; empty if there was nothing to choose. */
  public Map<String, Object> tree() {
    Map<String, Object> tree = new LinkedHashMap<>();
    if (!choices.entry().isEmpty()) {
      tree.put("entry", choices.entry());
    }
    choices.stripPrefixes().ifPresent(strip -> tree.put("strip_prefixes", strip));
    choices.fold().ifPresent(fold -> tree.put("fold", fold));
    if (!options.texts().isEmpty()) {
      tree.put("options", options.texts());
    }
    return tree;
  }
}

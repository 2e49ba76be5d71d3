package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.util.List;
import java.util.Optional;

/**
 * Finds the group of a module: by its exact name first, then by regex from the start of the name,
 * then by class. Files hold no classes: every packed weight counts as a {@code Linear}, except
 * embedding tables with their usual names if a group targets {@code Embedding}.
 */
final class GroupMatcher {

  private record Targets(ConfigGroup group, ModuleMatcher matcher) {}

  private final List<Targets> groups;
  private final String file;

  /**
   * @param groups the groups of a configuration, in order
   * @param file the configuration, for messages
   */
  GroupMatcher(List<ConfigGroup> groups, String file) {
    this.groups =
        groups.stream().map(g -> new Targets(g, new ModuleMatcher(g.targets(), file))).toList();
    this.file = file;
  }

  /**
   * {@return the group that selects the module, empty if none does}
   *
   * @throws ModelFormatException if a regex cannot be used
   */
  Optional<ConfigGroup> find(String module) {
    return groups.stream()
        .filter(t -> t.matcher().names(module))
        .findFirst()
        .or(() -> groups.stream().filter(t -> t.matcher().matches(module)).findFirst())
        .or(() -> HeldHeads.isTable(module) ? byClass("Embedding") : Optional.empty())
        .or(() -> byClass("Linear"))
        .map(Targets::group);
  }

  private Optional<Targets> byClass(String name) {
    return groups.stream().filter(t -> t.matcher().names(name)).findFirst();
  }

  /**
   * {@return the group of a quantized module}
   *
   * @throws ModelFormatException if none selects it, or a regex cannot be used
   */
  ConfigGroup require(String module) {
    return find(module)
        .orElseThrow(
            () ->
                new ModelFormatException(
                    Reason.METADATA,
                    file,
                    "module " + quote(module),
                    "is quantized, but no group of quantization_config targets it. Fetch the file"
                        + " again."));
  }
}

package dev.monoquant.spi;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Nearest;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Finds a plugin by id, or fails with a message that helps to find the right one. */
final class PluginLookup {

  private PluginLookup() {}

  /**
   * @param entries those of the kind
   * @param problems of the search for this kind
   */
  static Object one(
      PluginEntry.Kind kind, String id, List<PluginEntry<?>> entries, List<Problem> problems) {
    List<PluginEntry<?>> hits = new ArrayList<>(1);
    for (PluginEntry<?> entry : entries) {
      if (entry.id().equals(id)) {
        hits.add(entry);
      }
    }
    if (hits.size() == 1) {
      return hits.get(0).plugin();
    }
    if (hits.isEmpty()) {
      throw new ConfigurationException(unknown(kind, id, entries, problems));
    }
    throw new ConfigurationException(clash(kind, id, hits));
  }

  static List<Problem> duplicates(PluginEntry.Kind kind, List<PluginEntry<?>> entries) {
    Map<String, List<PluginEntry<?>>> byId = new LinkedHashMap<>();
    for (PluginEntry<?> entry : entries) {
      byId.computeIfAbsent(entry.id(), k -> new ArrayList<>()).add(entry);
    }
    List<Problem> problems = new ArrayList<>();
    byId.forEach(
        (id, hits) -> {
          if (hits.size() > 1) {
            problems.add(Problem.warning(kind.text() + " " + id, clash(kind, id, hits), ""));
          }
        });
    return problems;
  }

  private static String unknown(
      PluginEntry.Kind kind, String id, List<PluginEntry<?>> entries, List<Problem> problems) {
    List<String> ids = entries.stream().map(PluginEntry::id).distinct().sorted().toList();
    String available = ids.isEmpty() ? "none at all" : String.join(", ", ids);
    String nearest = Nearest.of(id, ids).map(n -> "; did you mean " + n + "?").orElse(".");
    String broken =
        problems.isEmpty()
            ? ""
            : ". Broken plugins: "
                + problems.stream().map(Problem::toString).collect(Collectors.joining("; "));
    return "no "
        + kind.text()
        + " "
        + QuantException.quote(id)
        + nearest
        + " Available: "
        + available
        + ". A plugin comes with its jar on the class path, or with --plugin"
        + broken;
  }

  private static String clash(PluginEntry.Kind kind, String id, List<PluginEntry<?>> hits) {
    return hits.size()
        + " plugins claim the "
        + kind.text()
        + " "
        + id
        + ": "
        + hits.stream()
            .map(e -> e.className() + " in " + e.origin())
            .collect(Collectors.joining(" and "))
        + ". Remove all but one of them";
  }
}

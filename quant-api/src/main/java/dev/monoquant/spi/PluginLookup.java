package dev.monoquant.spi;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Nearest;
import dev.monoquant.Preset;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Finds a plugin by id, or fails with a message that helps to find the right one. */
final class PluginLookup {

  private static final int MAX_NEAR = 3;

  private PluginLookup() {}

  static <T> T one(
      PluginEntry.Kind kind,
      Class<T> type,
      String id,
      List<PluginEntry<?>> entries,
      List<Problem> problems) {
    List<PluginEntry<?>> ofKind = entries.stream().filter(e -> e.kind() == kind).toList();
    List<PluginEntry<?>> hits = ofKind.stream().filter(e -> e.id().equals(id)).toList();
    if (hits.size() == 1) {
      return type.cast(hits.get(0).plugin());
    }
    if (hits.isEmpty()) {
      throw new ConfigurationException(unknown(kind, id, ofKind, problems));
    }
    throw new ConfigurationException(clash(kind, id, hits));
  }

  static List<Problem> duplicates(PluginEntry.Kind kind, List<PluginEntry<?>> entries) {
    Map<String, List<PluginEntry<?>>> byId = new LinkedHashMap<>();
    for (PluginEntry<?> entry : entries) {
      if (entry.kind() == kind) {
        byId.computeIfAbsent(entry.id(), k -> new ArrayList<>()).add(entry);
      }
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
      PluginEntry.Kind kind, String id, List<PluginEntry<?>> ofKind, List<Problem> problems) {
    List<String> ids = ofKind.stream().map(PluginEntry::id).distinct().sorted().toList();
    String available = ids.isEmpty() ? "none at all" : String.join(", ", ids);
    List<String> near = Nearest.several(id, ids, 1);
    if (kind == PluginEntry.Kind.SCHEME) {
      near = near(id, ids);
      available +=
          "; and presets such as W4A16, FP8_DYNAMIC and NVFP4A16 (quant plugins lists all)";
    }
    String nearest =
        (kind == PluginEntry.Kind.SCHEME ? foreign(id) : "")
            + (near.isEmpty() ? "." : "; did you mean " + String.join(" or ", near) + "?");
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

  /** The nearest schemes and presets; presets are in capitals, and schemes are not. */
  private static List<String> near(String id, List<String> ids) {
    List<String> schemes = Nearest.several(id, ids, MAX_NEAR);
    if (!schemes.isEmpty() && id.equals(id.toLowerCase(Locale.ROOT))) {
      return schemes;
    }
    List<String> names = new ArrayList<>(ids);
    Arrays.stream(Preset.values()).map(Preset::name).forEach(names::add);
    return Nearest.several(id, names, MAX_NEAR);
  }

  /** What a name of another project means. */
  private static String foreign(String id) {
    if (id.matches("(?i)(I?Q[1-8]|TQ[12])_[0-9A-Z_]{1,8}")) {
      return ", which is a type of GGUF files, and these are neither read nor written here";
    }
    if (id.matches("(?i)MXFP6(A16|A8)?|MXFP4XFP8")) {
      return ", a preset of compressed-tensors without a scheme here";
    }
    return id.matches("(?i)GPTQ|AWQ|BNB.*|NF4|HQQ")
        ? ", which is a method or a layout of other projects, not a number format"
        : "";
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

package dev.monoquant.core;

import com.google.gson.GsonBuilder;
import dev.monoquant.QuantizationConfig;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** What every output tells about how it was made. No time, no machine: outputs are reproducible. */
final class Provenance {

  private Provenance() {}

  static Map<String, String> of(QuantizationConfig config, Plan plan) {
    return Map.of(
        "monoquant.tool", "monoquant " + version(),
        "monoquant.config",
            new GsonBuilder().disableHtmlEscaping().create().toJson(Recipe.toTree(config)),
        "monoquant.schemes",
            plan.weights().stream()
                .map(w -> w.weight().scheme().toString())
                .distinct()
                .sorted()
                .collect(Collectors.joining(",")));
  }

  /** The version in the manifest of the jar; classes outside a jar have none. */
  static String version() {
    return Objects.requireNonNullElse(
        Provenance.class.getPackage().getImplementationVersion(), "development");
  }
}

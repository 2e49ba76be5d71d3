package dev.monoquant.core;

import com.google.gson.GsonBuilder;
import dev.monoquant.QuantizationConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
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

  /** A resource, since a manifest is not read where the jar is on the module path. */
  static String version() {
    Properties properties = new Properties();
    try (InputStream in = Provenance.class.getResourceAsStream("version.properties")) {
      properties.load(Objects.requireNonNull(in, "version.properties"));
    } catch (IOException e) {
      throw new UncheckedIOException("version.properties in the jar cannot be read", e);
    }
    return properties.getProperty("version");
  }
}

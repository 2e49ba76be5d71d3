package dev.monoquant.core.plan;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.core.open.LibraryVersion;
import dev.monoquant.core.open.Reading;
import dev.monoquant.core.recipe.Recipe;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.PluginEntry;
import dev.monoquant.spi.Plugins;
import java.lang.module.ModuleDescriptor;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What every output tells about how it was made. No time, no machine: outputs are reproducible. */
public final class Provenance {

  /** The key of the resolved configuration. */
  public static final String CONFIG = "monoquant.config";

  /** The key of the digest of the columns' statistics, where a scheme used any. */
  static final String STATISTICS = "monoquant.statistics";

  /** The key of how the input was read, where it left a choice. */
  static final String READING = "monoquant.reading";

  private static final String PLUGINS = "monoquant.plugins";
  private static final String INPUTS = "monoquant.inputs";
  private static final String MANIFEST = "monoquant.manifest";
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private Provenance() {}

  public static Map<String, String> of(
      Settings settings, QuantizationConfig config, Plan plan, Reading reading) {
    Plugins plugins = settings.plugins();
    Map<String, String> texts = new HashMap<>(of(config, plan, plugins));
    Set<String> measured =
        plan.weights().stream()
            .map(PlannedWeight::weight)
            .filter(
                w -> plugins.scheme(w.scheme()).needs(w.options()).contains(Need.COLUMN_STATISTICS))
            .map(EncodedWeight::name)
            .collect(Collectors.toCollection(TreeSet::new));
    if (!measured.isEmpty()) {
      texts.put(STATISTICS, settings.columns().digest(measured));
    }
    Map<String, Object> choices = reading.tree();
    if (!choices.isEmpty()) {
      texts.put(READING, GSON.toJson(choices));
    }
    return texts;
  }

  private static Map<String, String> of(QuantizationConfig config, Plan plan, Plugins plugins) {
    return Map.of(
        "monoquant.tool",
        "monoquant " + LibraryVersion.text(),
        PLUGINS,
        GSON.toJson(versions(plan, plugins)),
        CONFIG,
        GSON.toJson(Recipe.toTree(resolved(config, plan))),
        "monoquant.schemes",
        plan.weights().stream()
            .map(w -> w.weight().scheme().toString())
            .distinct()
            .sorted()
            .collect(Collectors.joining(",")));
  }

  /** The configuration with every default that holds for all weights filled in. */
  private static QuantizationConfig resolved(QuantizationConfig config, Plan plan) {
    QuantizationConfig.Builder defaults =
        QuantizationConfig.builder()
            .minElements(0)
            .nonFinite(NonFinitePolicy.FAIL)
            .raggedGroups(RaggedGroupPolicy.FAIL)
            .scheme(SchemeChoice.schemeId(config.weights()));
    Optional.of(plan.outputFormat()).filter(f -> !f.isEmpty()).ifPresent(defaults::format);
    return defaults.build().overrideWith(config);
  }

  /** The version of each plugin that has a hand in the output. */
  private static Map<String, String> versions(Plan plan, Plugins plugins) {
    Map<String, String> versions = new TreeMap<>();
    for (PluginEntry<?> entry : plugins.entries()) {
      boolean used =
          switch (entry.kind()) {
            case INPUT_FORMAT -> entry.id().equals(plan.inputFormat());
            case OUTPUT_FORMAT -> entry.id().equals(plan.outputFormat());
            case LAYER_QUANTIZER ->
                plan.weights().stream().anyMatch(w -> w.quantizer().equals(entry.id()));
            case SCHEME ->
                plan.weights().stream()
                    .anyMatch(w -> w.weight().scheme().name().equals(entry.id()));
          };
      if (used) {
        versions.put(
            entry.kind().text() + " " + entry.id(),
            entry.className() + " " + version(entry.plugin().getClass()));
      }
    }
    return versions;
  }

  /**
   * The provenance of a copy: where the hashes of the inputs are known already, they are those that
   * were read, and not those of files that may have changed since.
   */
  public static Map<String, String> withInputs(
      Map<String, String> provenance, Map<String, String> metadata) {
    String manifest = metadata.get(MANIFEST);
    if (manifest == null) {
      return provenance;
    }
    JsonObject inputs =
        JsonParser.parseString(manifest).getAsJsonObject().getAsJsonObject("inputs");
    Map<String, String> both = new HashMap<>(provenance);
    both.put(INPUTS, GSON.toJson(inputs));
    return both;
  }

  /**
   * The plugins that made a file, class and version by kind and id, as the file says; empty if it
   * does not. Nothing of it is believed but for messages.
   */
  public static Map<String, String> plugins(Map<String, String> metadata) {
    Map<String, String> plugins = new TreeMap<>();
    try {
      JsonObject json =
          JsonParser.parseString(metadata.getOrDefault(PLUGINS, "{}")).getAsJsonObject();
      json.asMap().forEach((name, maker) -> plugins.put(name, maker.getAsString()));
      return plugins;
    } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
      return Map.of();
    }
  }

  /** The version of a plugin's jar or module; one that tells none is {@code unversioned}. */
  private static String version(Class<?> type) {
    if (type.getName().startsWith("dev.monoquant.")) {
      return LibraryVersion.text();
    }
    return Optional.ofNullable(type.getPackage().getImplementationVersion())
        .or(
            () ->
                Optional.ofNullable(type.getModule().getDescriptor())
                    .flatMap(ModuleDescriptor::rawVersion))
        .orElse("unversioned");
  }
}

package dev.monoquant.core.plan;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.core.open.LibraryVersion;
import dev.monoquant.core.recipe.Recipe;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.settings.AppliedEdits;
import dev.monoquant.core.settings.InputFacts;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.PluginEntry;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.Provenance.Reading;
import java.lang.module.ModuleDescriptor;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** The provenance of an output that follows a plan. */
public final class PlanProvenance {

  private static final String TOOL = "monoquant";
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private PlanProvenance() {}

  /** {@return the provenance, without the hashes of the inputs} */
  public static Provenance of(
      Settings settings, QuantizationConfig config, Plan plan, Reading reading) {
    Plugins plugins = settings.plugins();
    InputFacts inputs = new InputFacts(settings);
    Optional<OutputFormat> format = format(plugins, plan);
    boolean calibrated =
        settings.calibration().isPresent()
            && plan.weights().stream()
                .map(PlannedWeight::weight)
                .anyMatch(
                    w ->
                        inputs.affects(plugins.scheme(w.scheme()), w.options(), w.matrix())
                            || isMeasured(inputs, w)
                            || format.filter(f -> inputs.affects(f, w)).isPresent());
    AppliedEdits edits = settings.edits().orElse(AppliedEdits.NONE);
    boolean edited = !edits.ranges().isEmpty();
    return new Provenance(
        TOOL,
        LibraryVersion.text(),
        GSON.toJson(Recipe.toTree(resolved(config, plan))),
        versions(plan, plugins),
        reading,
        settings.calibration().filter(c -> calibrated || edited).map(Calibration::digest),
        edits.ranges(),
        settings.hashing(),
        Optional.empty());
  }

  private static Optional<OutputFormat> format(Plugins plugins, Plan plan) {
    return plugins.outputFormats().stream()
        .filter(f -> f.id().equals(plan.outputFormat()))
        .findFirst();
  }

  /** Whether the stored scale of its inputs may come from the calibration. */
  private static boolean isMeasured(InputFacts inputs, EncodedWeight weight) {
    return weight.activations().flatMap(ActivationQuantization::scale).isPresent()
        && inputs.range(weight.matrix()).isPresent();
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

  /** The version of each plugin that takes part in the output. */
  private static SortedMap<String, String> versions(Plan plan, Plugins plugins) {
    SortedMap<String, String> versions = new TreeMap<>();
    Set<String> quantizers = new HashSet<>();
    Set<String> schemes = new HashSet<>();
    for (PlannedWeight weight : plan.weights()) {
      quantizers.add(weight.quantizer());
      schemes.add(weight.weight().scheme().name());
    }
    for (PluginEntry<?> entry : plugins.entries()) {
      boolean used =
          switch (entry.kind()) {
            case INPUT_FORMAT -> entry.id().equals(plan.inputFormat());
            case OUTPUT_FORMAT -> entry.id().equals(plan.outputFormat());
            case GGUF_ARCHITECTURE, CALIBRATION_READER, REMOTE_STORE, SCALE_MAPPING -> false;
            case LAYER_QUANTIZER -> quantizers.contains(entry.id());
            case SCHEME -> schemes.contains(entry.id());
          };
      if (used) {
        versions.put(
            entry.kind().text() + " " + entry.id(),
            entry.className() + " " + version(entry.plugin().getClass()));
      }
    }
    return versions;
  }

  /** The version of a plugin's jar or module; {@code unversioned} if it declares none. */
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

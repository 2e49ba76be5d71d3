package dev.monoquant.core.edit;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.open.OutputChoice;
import dev.monoquant.core.plan.Planner;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.run.NotingSource;
import dev.monoquant.core.settings.AppliedEdits;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.tile.Formula;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How weights would be quantized without the edit.
 *
 * @param weights by where their tensors come from
 * @param undivided why an output cannot divide the inputs of a weight by factors, by its name;
 *     those that are missing can be
 */
record PlannedCodes(Map<ModelSource.Origin, EncodedWeight> weights, Map<String, String> undivided) {

  /**
   * Plans a model.
   *
   * @param sound whether a plan with errors is refused
   */
  static PlannedCodes of(
      Settings settings,
      Opened opened,
      QuantizationConfig config,
      Optional<OutputFormat> format,
      boolean sound)
      throws IOException {
    // This plan is for an edit.
    Settings looking = settings.withEdits(AppliedEdits.NONE);
    NotingSource noting = new NotingSource(opened.source());
    if (format.isEmpty()) {
      Planner planner = new Planner(looking, config, Optional.empty(), opened.own(), Map.of());
      return new PlannedCodes(weights(opened, noting, planner, sound), Map.of());
    }
    try (OutputChoice.Open open = OutputChoice.open(format.get(), noting)) {
      Opened seen = opened.as(settings, open.view());
      Planner planner = new Planner(looking, config, Optional.of(open), seen.own(), Map.of());
      Map<ModelSource.Origin, EncodedWeight> weights = weights(seen, noting, planner, sound);
      Map<String, String> undivided = new HashMap<>();
      if (format.get().isRunnable()) {
        weights
            .values()
            .forEach(
                w -> refusal(w, open.session()).ifPresent(why -> undivided.put(w.name(), why)));
      }
      return new PlannedCodes(weights, undivided);
    }
  }

  private static Optional<String> refusal(EncodedWeight weight, OutputSession session) {
    return weight.encoding().formula() instanceof Formula.Opaque
        ? Optional.of("only its scheme can decode it")
        : session.unsupported(
            weight.withEncoding(weight.encoding().divided(weight.matrix().columnCount())));
  }

  private static Map<ModelSource.Origin, EncodedWeight> weights(
      Opened seen, NotingSource model, Planner planner, boolean sound) throws IOException {
    Plan plan = planner.plan(seen);
    if (sound) {
      plan.requireNoErrors();
    }
    Map<ModelSource.Origin, EncodedWeight> planned = new LinkedHashMap<>();
    Set<ModelSource.Origin> origins = new HashSet<>();
    Map<String, ModelSource.Origin> byName = new HashMap<>();
    for (TensorInfo tensor : model.info().tensors()) {
      origins.add(model.origin(tensor));
      byName.put(tensor.name(), model.origin(tensor));
    }
    for (PlannedWeight weight : plan.weights()) {
      TensorInfo tensor = weight.weight().matrix().tensor();
      ModelSource.Origin origin = seen.source().origin(tensor);
      if (origins.contains(origin)) {
        planned.put(origin, weight.weight());
        continue;
      }
      // Rows in another order, as those of q and k of Llama in a GGUF file.
      for (String name : model.behind(seen.source(), tensor)) {
        planned.put(byName.getOrDefault(name, origin), weight.weight());
      }
    }
    return planned;
  }
}

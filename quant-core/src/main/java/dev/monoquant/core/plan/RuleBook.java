package dev.monoquant.core.plan;

import dev.monoquant.Nearest;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Rule;
import dev.monoquant.Selector;
import dev.monoquant.WeightSettings;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The rules of a configuration, applied as {@link Rule} documents. */
final class RuleBook {

  private static final LayerKind NO_KIND = new LayerKind("(none)");

  private final QuantizationConfig config;
  private final List<Layer> layers;
  private final boolean selective;

  /**
   * @param layers all layers of the model
   */
  RuleBook(QuantizationConfig config, List<Layer> layers) {
    this.config = config;
    this.layers = layers;
    this.selective = config.rules().stream().anyMatch(r -> r.action() == Rule.Action.INCLUDE);
  }

  /** The reason why a layer is left out, or empty if it is not. */
  Optional<String> excludes(Layer layer) {
    boolean included = !selective;
    for (Rule rule : config.rules()) {
      if (rule.selector().matches(layer)) {
        if (rule.action() == Rule.Action.EXCLUDE) {
          return Optional.of("excluded by the rule " + rule.selector());
        }
        included |= rule.action() == Rule.Action.INCLUDE;
      }
    }
    return included ? Optional.empty() : Optional.of("not among the layers to include");
  }

  WeightSettings settings(Layer layer) {
    WeightSettings settings = config.weights();
    for (Rule rule : config.rules()) {
      if (rule.selector().matches(layer)) {
        settings = settings.overrideWith(rule.settings());
      }
    }
    return settings;
  }

  /**
   * Whether the user names this layer: the layer map gives its kind, or a rule that does not select
   * all layers selects it by name, or by a kind other than Linear, which most recipes name.
   */
  boolean names(Layer layer) {
    return layer.evidence() == Layer.Evidence.CONFIGURED
        || config.rules().stream()
            .filter(rule -> rule.action() != Rule.Action.EXCLUDE)
            .anyMatch(rule -> names(rule.selector(), layer));
  }

  private boolean names(Selector selector, Layer layer) {
    boolean byKind = !layer.kind().equals(LayerKind.LINEAR) && selector.matches(layer);
    return (byKind || selector.matches(kindless(layer)))
        && !layers.stream().map(RuleBook::kindless).allMatch(selector::matches);
  }

  /** The same layer with a kind that no rule selects. */
  private static Layer kindless(Layer layer) {
    return new Layer(layer.name(), NO_KIND, layer.evidence(), layer.tensors());
  }

  /**
   * Reports rules and lines of the layer map that select nothing; they are most likely mistakes.
   */
  List<Problem> unmatched() {
    List<Problem> problems = new ArrayList<>();
    for (Rule rule : config.rules()) {
      check("rule", rule.selector(), problems);
    }
    config.layerMap().keySet().forEach(p -> check("layer map", Selector.parse(p), problems));
    return problems;
  }

  private void check(String what, Selector selector, List<Problem> problems) {
    if (layers.stream().anyMatch(selector::matches)) {
      return;
    }
    List<String> names = new ArrayList<>(layers.stream().map(Layer::name).toList());
    layers.stream().map(l -> l.kind().name()).distinct().forEach(names::add);
    List<String> nearest = Nearest.several(selector.text(), names, 3);
    problems.add(
        Problem.error(
            what + " " + QuantException.quote(selector.text()),
            "it selects no layer"
                + (nearest.isEmpty() ? "" : "; the nearest are " + String.join(", ", nearest)),
            "Patterns are globs over layer names, kinds such as Linear, or re: and a regular"
                + " expression; quant inspect lists all names"));
  }
}

package dev.monoquant.core.plan;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Nearest;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.WeightSettings;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.open.OutputChoice;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.report.UnquantizedTensor.Why;
import dev.monoquant.core.settings.AppliedEdits;
import dev.monoquant.core.settings.InputFacts;
import dev.monoquant.core.settings.OwnOptions;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.text.Text;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.SchemeMix;
import dev.monoquant.tile.Formula;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Decides about every tensor of a model, from names, types and shapes alone. Every problem is
 * collected; only a configuration that names a missing thing stops at once.
 */
public final class Planner {

  /** The most layers of a calibration in a message. */
  private static final int MOST_NAMED = 5;

  private final QuantizationConfig config;
  private final Optional<Calibration> calibration;
  private final InputFacts inputs;
  private final Optional<OutputChoice.Open> output;
  private final LayerChoice choice;
  private final WeightEncoder encoder;
  private final ActivationRules activations;
  private final Map<String, String> nonFinite;
  private final AppliedEdits edits;

  /** By the name of the weight, in the order of the layers. */
  private final Map<String, PlannedWeight> weights = new LinkedHashMap<>();

  /** By the names that settings have in the place of a scheme. */
  private final Map<String, Optional<SchemeMix>> mixes = new HashMap<>();

  private Map<String, String> tied = Map.of();
  private Optional<TableGuess> tables = Optional.empty();
  private final Map<String, UnquantizedTensor> kept = new LinkedHashMap<>();
  private final List<Problem> problems = new ArrayList<>();

  /**
   * @param output the format that is asked what it can store, if any
   * @param ofInput the options of the format that the model is read with
   * @param nonFinite weights to leave unquantized because of their values: name and reason
   */
  public Planner(
      Settings settings,
      QuantizationConfig config,
      Optional<OutputChoice.Open> output,
      OwnOptions ofInput,
      Map<String, String> nonFinite) {
    this.config = config;
    this.calibration = settings.calibration();
    this.inputs = new InputFacts(settings);
    this.output = output;
    this.choice = new LayerChoice(settings.plugins().layerQuantizers());
    this.encoder =
        new WeightEncoder(
            settings,
            config,
            new SchemeChoice(
                settings.plugins(),
                config.weights().extra(),
                output.map(OutputChoice.Open::format),
                ofInput,
                choice.own(),
                EditRule.owners(settings, config),
                calibration.isPresent()));
    this.activations = new ActivationRules(output.map(OutputChoice.Open::format));
    this.nonFinite = nonFinite;
    EditRule.requireApplied(settings, config);
    this.edits = settings.edits().orElse(AppliedEdits.NONE);
  }

  public Plan plan(Opened opened) {
    ModelSource source = opened.source();
    problems.addAll(edits.problems());
    if (!source.info().quantized().isEmpty()) {
      problems.add(alreadyQuantized(source));
    }
    source
        .info()
        .notes()
        .forEach(note -> problems.add(Problem.warning(source.info().name(), note, "")));
    List<Layer> layers = LayerInference.layers(source.info().tensors(), source.info(), config);
    // Only a program has one tensor under both names. Weight files store each tensor separately,
    // and there the default of each layer is better.
    tied = source.find(RunnableFile.class).isPresent() ? source.info().ties() : Map.of();
    tables = Optional.of(TableGuess.of(source.info()));
    RuleBook rules = new RuleBook(config, layers);
    problems.addAll(rules.unmatched());
    Set<LayerKind> answered = new HashSet<>(LayerKind.NAMED);
    for (Layer layer : layers) {
      if (decide(layer, rules)) {
        answered.add(layer.kind());
      }
    }
    requireKinds(layers, answered);
    problems.addAll(
        FamilyRules.problems(
            source.info().families(),
            weights.values().stream().map(PlannedWeight::weight).toList(),
            matricesInFloat(),
            config.allowPartialFamilies().orElse(false)));
    if (weights.isEmpty()
        && problems.stream().noneMatch(p -> p.severity() == Problem.Severity.ERROR)) {
      problems.add(nothingToDo(source.info().name(), layers));
    }
    problems.addAll(activations.problems(config.kvCache()));
    calibration.ifPresent(c -> problems.addAll(unknownLayers(c, layers)));
    opened.foreign().ifPresent(foreign -> refuse(foreign.problem(source.info().name())));
    return new Plan(
        source.info().name(),
        opened.format(),
        output.map(o -> o.format().id()).orElse(""),
        layers,
        List.copyOf(weights.values()),
        keptInOrder(source, layers),
        activations.told(config.kvCache()),
        problems,
        Optional.empty());
  }

  /** Names layers of the calibration that are not in the model: it may be of another model. */
  private static List<Problem> unknownLayers(Calibration calibration, List<Layer> layers) {
    Set<String> unknown = new TreeSet<>(calibration.layers());
    for (Layer layer : layers) {
      for (TensorInfo tensor : layer.tensors().values()) {
        calibration
            .find(Calibration.layerOf(tensor.name()))
            .ifPresent(found -> unknown.remove(found.layer()));
      }
    }
    if (unknown.isEmpty()) {
      return List.of();
    }
    String names =
        unknown.stream()
            .limit(MOST_NAMED)
            .map(QuantException::quote)
            .collect(Collectors.joining(", "));
    return List.of(
        Problem.warning(
            calibration.describe(),
            Text.count(unknown.size(), "layer")
                + " of "
                + calibration.layers().size()
                + (unknown.size() == 1 ? " is" : " are")
                + " not in the model: "
                + names
                + (unknown.size() > MOST_NAMED ? " ..." : ""),
            "Check that it was measured on this model"));
  }

  /** Reports this error alone: all others would be about codes mistaken for weights. */
  private void refuse(Problem problem) {
    problems.removeIf(p -> p.severity() == Problem.Severity.ERROR);
    problems.add(0, problem);
  }

  /** Reports a given kind of which no quantizer takes a weight; it is most likely a mistake. */
  private void requireKinds(List<Layer> layers, Set<LayerKind> answered) {
    Set<LayerKind> there = layers.stream().map(Layer::kind).collect(Collectors.toSet());
    config
        .layerMap()
        .forEach(
            (pattern, kind) -> {
              if (there.contains(kind) && !answered.contains(kind)) {
                List<String> names = LayerKind.NAMED.stream().map(LayerKind::name).toList();
                throw new ConfigurationException(
                    "--layer "
                        + pattern
                        + "="
                        + kind
                        + ": no layer quantizer knows the kind "
                        + QuantException.quote(kind.name())
                        + Nearest.of(kind.name(), names)
                            .map(n -> "; did you mean " + n + "?")
                            .orElse(".")
                        + " Known are "
                        + String.join(", ", names)
                        + ", and those of plugins");
              }
            });
  }

  /** {@return whether a quantizer named a weight of the layer} */
  private boolean decide(Layer layer, RuleBook rules) {
    LayerChoice.Chosen chosen = choice.weights(layer, rules.settings(layer).extra());
    problems.addAll(chosen.problems());
    Set<String> candidates = new HashSet<>();
    for (LayerChoice.Candidate candidate : chosen.candidates()) {
      candidates.add(candidate.rows().tensor().name());
      decide(layer, candidate, rules);
    }
    for (TensorInfo tensor : layer.tensors().values()) {
      if (!candidates.contains(tensor.name())) {
        keep(layer, tensor, Why.NOT_A_WEIGHT, choice.whyNot(layer, tensor));
      }
    }
    return !chosen.candidates().isEmpty();
  }

  private void decide(Layer layer, LayerChoice.Candidate candidate, RuleBook rules) {
    WeightMatrix rows = candidate.rows();
    TensorInfo tensor = rows.tensor();
    Optional<String> excluded = rules.excludes(layer);
    if (excluded.isPresent()) {
      keep(layer, tensor, Why.EXCLUDED, excluded.get());
      return;
    }
    Optional<String> byDefault = output.flatMap(o -> o.session().keptByDefault(rows));
    if (byDefault.isPresent() && !rules.names(layer)) {
      keep(layer, tensor, Why.BY_DEFAULT, byDefault.get() + inDoubt(layer, tensor));
      return;
    }
    long least = config.minElements().orElse(0);
    if (tensor.shape().elements() < least) {
      keep(
          layer,
          tensor,
          Why.TOO_SMALL,
          tensor.shape().elements() + " elements are fewer than the " + least + " asked for");
      return;
    }
    String odd = nonFinite.get(tensor.name());
    if (odd != null) {
      keep(layer, tensor, Why.NON_FINITE, odd);
      problems.add(Problem.warning(tensor.name(), odd + "; it is kept as it is", ""));
      return;
    }
    WeightSettings wanted = rules.settings(layer);
    Optional<SchemeMix> mix = wanted.scheme().flatMap(this::mix);
    if (mix.isPresent()) {
      SchemeMix.Choice chosen = mix.get().choose(tensor);
      if (chosen.scheme().isEmpty()) {
        keep(layer, tensor, Why.BY_DEFAULT, chosen.reason());
        return;
      }
      wanted = wanted.withScheme(chosen.scheme().get());
    }
    WeightEncoder.Outcome outcome = encoder.encode(wanted, candidate, twin(tensor));
    // Checked first: a weight that the format does not accept need not fit the groups.
    Optional<String> refusal =
        output.flatMap(
            o ->
                outcome
                    .nearest()
                    .map(w -> o.session().unsupported(w))
                    .orElseGet(() -> o.session().unsupportedLayer(rows)));
    if (refusal.isPresent()) {
      keep(layer, tensor, Why.UNSUPPORTED, refusal.get() + inDoubt(layer, tensor));
      return;
    }
    outcome.problem().ifPresent(problems::add);
    if (outcome.weight().isEmpty()) {
      keep(layer, tensor, Why.UNSUPPORTED, outcome.reason());
      return;
    }
    EncodedWeight weight = divided(named(activations.told(outcome.weight().get()), mix));
    PlannedWeight planned =
        new PlannedWeight(weight, layer.evidence(), candidate.quantizer().id(), "");
    if (planned.bytesAfter() >= planned.bytesBefore() && !isOtherCast(weight)) {
      keep(
          layer,
          tensor,
          Why.TOO_SMALL,
          "it would not become smaller: "
              + planned.bytesBefore()
              + " bytes before, "
              + planned.bytesAfter()
              + " after");
      return;
    }
    weights.put(
        tensor.name(),
        new PlannedWeight(
            ranged(weight),
            layer.evidence(),
            candidate.quantizer().id(),
            edits.words().getOrDefault(tensor.name(), "")));
  }

  /** The weight with the factors of an edit that it takes with it. */
  private EncodedWeight divided(EncodedWeight weight) {
    return edits.factors().containsKey(weight.name())
        ? weight.withEncoding(weight.encoding().divided(weight.matrix().columnCount()))
        : weight;
  }

  /** The choice of schemes of that name that the output format offers. */
  private Optional<SchemeMix> mix(String name) {
    return mixes.computeIfAbsent(
        name, n -> output.flatMap(o -> o.session().mix(n, calibration.isPresent())));
  }

  private static EncodedWeight named(EncodedWeight weight, Optional<SchemeMix> mix) {
    return mix.map(
            m -> weight.withStorage(weight.storage().with(Map.of(SchemeMix.STORED, m.name()))))
        .orElse(weight);
  }

  /**
   * Whether a weight is cast to another type of the same size, as from BF16 to F16. A cast is never
   * the default: the user asks for the type that the device supports.
   */
  private static boolean isOtherCast(EncodedWeight weight) {
    ElementType own = weight.matrix().tensor().type();
    return weight.encoding().formula() instanceof Formula.Cast cast
        && weight.encoding().part(cast.values()).type() != own
        && weight.encoding().part(cast.values()).type().bits() == own.bits();
  }

  /** Why a layer was guessed to be a table, and what to do if it is not one. */
  private String inDoubt(Layer layer, TensorInfo tensor) {
    if (layer.evidence() != Layer.Evidence.INFERRED || !layer.kind().equals(LayerKind.EMBEDDING)) {
      return "";
    }
    return tables
        .flatMap(t -> t.why(layer.name(), tensor, false))
        .map(
            why ->
                ". It is taken for a table by "
                    + why
                    + "; if it is a Linear, say so: --layer NAME=Linear")
        .orElse("");
  }

  /** The weight with the range of its inputs, if the output needs it. */
  private EncodedWeight ranged(EncodedWeight weight) {
    return output.map(o -> inputs.ranged(o.format(), weight, problems)).orElse(weight);
  }

  /** The previously planned weight that is the same tensor under another name. */
  private Optional<EncodedWeight> twin(TensorInfo tensor) {
    return Optional.ofNullable(tied.get(tensor.name()))
        .map(weights::get)
        .map(PlannedWeight::weight);
  }

  /** Why a layer is left unquantized, by its name. */
  private Map<String, String> matricesInFloat() {
    Map<String, String> reasons = new HashMap<>();
    kept.values().stream()
        .filter(k -> k.tensor().shape().rank() > 1)
        .forEach(k -> reasons.put(k.layer(), k.reason()));
    return reasons;
  }

  private void keep(Layer layer, TensorInfo tensor, Why why, String reason) {
    String edited = edits.words().get(tensor.name());
    kept.put(
        tensor.name(),
        new UnquantizedTensor(
            tensor,
            layer.name(),
            layer.kind(),
            why,
            edited == null ? reason : reason + "; " + edited));
  }

  private List<UnquantizedTensor> keptInOrder(ModelSource source, List<Layer> layers) {
    List<UnquantizedTensor> ordered = new ArrayList<>();
    // Declared layers of a model that is quantized already name its weights too.
    source.info().quantized().forEach(weight -> kept.remove(weight.name()));
    for (TensorInfo tensor : source.info().tensors()) {
      UnquantizedTensor found = kept.remove(tensor.name());
      if (found != null) {
        ordered.add(found);
      }
    }
    if (!kept.isEmpty()) {
      throw new ConfigurationException(
          "the layers of "
              + source.info().name()
              + " name tensors that it does not hold: "
              + kept.keySet().stream().sorted().limit(5).map(QuantException::quote).toList()
              + " in "
              + layers.size()
              + " layers");
    }
    return ordered;
  }

  private static Problem alreadyQuantized(ModelSource source) {
    EncodedWeight first = source.info().quantized().get(0);
    return Problem.error(
        source.info().name(),
        "it is quantized already: "
            + Text.count(source.info().quantized().size(), "weight")
            + ", such as "
            + QuantException.quote(first.name())
            + " by "
            + first.scheme(),
        "Quantize the float original; or decode it and quantize it again, which adds up the errors"
            + " of both: --requantize");
  }

  private Problem nothingToDo(String model, List<Layer> layers) {
    Map<Why, Integer> counts = new EnumMap<>(Why.class);
    kept.values().forEach(k -> counts.merge(k.why(), 1, Integer::sum));
    boolean unknown =
        !layers.isEmpty() && layers.stream().allMatch(l -> l.kind().equals(LayerKind.UNKNOWN));
    StringBuilder tally = new StringBuilder();
    counts.forEach(
        (why, n) ->
            tally.append(tally.length() == 0 ? "" : ", ").append(n).append(' ').append(why.wire()));
    String example =
        kept.values().stream()
            .filter(k -> k.why() != Why.NOT_A_WEIGHT)
            .findFirst()
            .or(
                () ->
                    kept.values().stream().filter(k -> k.tensor().shape().rank() == 2).findFirst())
            .map(k -> "; " + QuantException.quote(k.tensor().name()) + ": " + k.reason())
            .orElse("");
    return Problem.error(
        model,
        "no weight would be quantized; tensors kept: "
            + (tally.length() == 0 ? "none" : tally)
            + example,
        unknown
            ? "Say what its layers are, for example --layer 'fc*=Linear'"
            : "Look at the reasons with --dry-run, and at the rules and thresholds given");
  }
}

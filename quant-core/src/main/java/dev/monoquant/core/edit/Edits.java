package dev.monoquant.core.edit;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.event.StageEvent;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.open.OutputChoice;
import dev.monoquant.core.plan.Planner;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.run.CodedSample;
import dev.monoquant.core.run.KernelChoice;
import dev.monoquant.core.run.Meter;
import dev.monoquant.core.run.NotingSource;
import dev.monoquant.core.settings.AppliedEdits;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.work.Workers;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.EditOptions;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.ScaleFold;
import dev.monoquant.spi.ScaleFold.Side;
import dev.monoquant.spi.ScaleFolds;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Scales the inputs of layers by factors that are moved into their weights and into what makes the
 * inputs, so that the float model computes the same and its codes less error. The factors come from
 * statistics of the inputs; no model runs.
 */
public final class Edits {

  /** The most names in a message. */
  private static final int MOST_NAMED = 3;

  /**
   * A model that is edited as it is read.
   *
   * @param opened the model; closed with the original
   * @param settings have its calibration
   */
  public record Applied(Opened opened, Settings settings) {}

  private final Settings settings;
  private final Opened opened;
  private final String method;
  private final Optional<Double> alpha;
  private final Calibration calibration;
  private final Map<String, String> words = new HashMap<>();
  private final SortedMap<String, String> ranges = new TreeMap<>();
  private final List<Problem> problems = new ArrayList<>();

  private Edits(
      Settings settings,
      Opened opened,
      String method,
      Optional<Double> alpha,
      Calibration calibration) {
    this.settings = settings;
    this.opened = opened;
    this.method = method;
    this.alpha = alpha;
    this.calibration = calibration;
  }

  /**
   * {@return the edit that a configuration asks for; empty for none}
   *
   * @param extra the options for all weights
   */
  public static Optional<String> wanted(Map<String, String> extra) {
    String edit = canonical(EditOptions.EDIT, extra, EditOptions.NONE);
    return edit.equals(EditOptions.NONE) ? Optional.empty() : Optional.of(edit);
  }

  private static String canonical(
      OptionSpec<?> option, Map<String, String> extra, String otherwise) {
    return Optional.ofNullable(extra.get(option.name())).map(option::canonical).orElse(otherwise);
  }

  /**
   * Applies the edit of a configuration, if it asks for one.
   *
   * @param settings of the run
   * @param opened the model
   * @param config the configuration, whose options name the edit
   * @param format the output format, if there is one
   * @param searching whether factors are chosen, which reads weights; else only what will be edited
   *     is told
   * @return the edited model; the same if there is no edit
   */
  public static Applied apply(
      Settings settings,
      Opened opened,
      QuantizationConfig config,
      Optional<OutputFormat> format,
      boolean searching)
      throws IOException {
    Map<String, String> extra = config.weights().extra();
    Optional<String> method = wanted(extra);
    if (method.isEmpty()) {
      return new Applied(opened, settings);
    }
    String alpha = canonical(EditOptions.ALPHA, extra, EditOptions.SEARCH);
    Calibration calibration = calibration(settings, opened, method.get());
    Optional<Double> power =
        alpha.equals(EditOptions.SEARCH)
            ? Optional.empty()
            : Optional.of(Double.parseDouble(alpha));
    return new Edits(settings, opened, method.get(), power, calibration)
        .apply(config, format, searching);
  }

  private static Calibration calibration(Settings settings, Opened opened, String method) {
    String name = opened.source().info().name();
    if (opened.source().find(RunnableFile.class).isPresent()) {
      throw new ConfigurationException(
          name
              + ": edit="
              + method
              + " changes weights and norms of a state dict, and this is a program. Edit the file"
              + " or directory of its weights, or leave the edit out");
    }
    return settings
        .calibration()
        .orElseThrow(
            () ->
                new ConfigurationException(
                    name
                        + ": edit="
                        + method
                        + " needs statistics of the inputs of layers. Give a file with"
                        + " --calibration"));
  }

  private Applied apply(QuantizationConfig config, Optional<OutputFormat> format, boolean searching)
      throws IOException {
    ModelSource source = opened.source();
    if (!source.info().quantized().isEmpty() || opened.foreign().isPresent()) {
      // The plan says what to do about it.
      return told(opened, settings);
    }
    ScaleFolds all = FoldChoice.of(settings, source.info());
    Map<ModelSource.Origin, EncodedWeight> planned = planned(config, format, searching);
    List<FactorSearch> searches = new ArrayList<>();
    List<ScaleFold> searched = new ArrayList<>();
    Set<ModelSource.Origin> inFolds = new HashSet<>();
    for (ScaleFold fold : all.folds()) {
      fold.multiplied().forEach(side -> inFolds.add(source.origin(side.tensor())));
      List<Weight> weights = weights(fold, planned);
      if (!weights.isEmpty()) {
        searched.add(fold);
        searches.add(
            new FactorSearch(source, fold, weights, method.equals(EditOptions.SMOOTHQUANT), alpha));
      }
    }
    tellLeft(all, planned, inFolds);
    if (!searching) {
      searched.forEach(fold -> tell(fold, "", ""));
      return told(opened, settings);
    }
    List<Scaled> scaled = new ArrayList<>();
    FactorSearch.Found[] found = run(searches, searched);
    for (int i = 0; i < found.length; i++) {
      ScaleFold fold = searched.get(i);
      if (found[i].scaled().isEmpty()) {
        problems.add(Problem.note(fold.input(), "it is not edited: " + found[i].reason()));
      } else {
        Scaled one = found[i].scaled().get();
        scaled.add(one);
        String range = String.format(Locale.ROOT, "%.3g to %.3g", one.least(), one.greatest());
        tell(
            fold,
            range,
            String.format(
                Locale.ROOT,
                " by %s (alpha %.2f, error of the outputs x%.3f)",
                range,
                one.alpha(),
                one.error()));
      }
    }
    return told(
        opened.with(new EditedSource(source, scaled)),
        settings.withCalibration(new ScaledCalibration(calibration, scaled)));
  }

  private Applied told(Opened model, Settings with) {
    return new Applied(model, with.withEdits(new AppliedEdits(words, ranges, problems)));
  }

  /** How weights would be quantized without the edit, by where their tensors come from. */
  private Map<ModelSource.Origin, EncodedWeight> planned(
      QuantizationConfig config, Optional<OutputFormat> format, boolean sound) throws IOException {
    // This plan is for an edit.
    Settings looking = settings.withEdits(AppliedEdits.NONE);
    if (format.isEmpty()) {
      return planned(
          opened,
          new NotingSource(opened.source()),
          new Planner(looking, config, Optional.empty(), opened.own(), Map.of()),
          sound);
    }
    NotingSource noting = new NotingSource(opened.source());
    try (OutputChoice.Open open = OutputChoice.open(format.get(), noting)) {
      Opened seen = opened.as(settings, open.view());
      return planned(
          seen,
          noting,
          new Planner(looking, config, Optional.of(open), seen.own(), Map.of()),
          sound);
    }
  }

  private static Map<ModelSource.Origin, EncodedWeight> planned(
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

  /** The weights of a fold that will be quantized and whose inputs are known. */
  private List<Weight> weights(ScaleFold fold, Map<ModelSource.Origin, EncodedWeight> planned) {
    List<Weight> weights = new ArrayList<>();
    boolean quantized = false;
    for (Side side : fold.multiplied()) {
      EncodedWeight weight = planned.get(opened.source().origin(side.tensor()));
      if (weight == null || side.tensor().shape().rank() != 2) {
        continue;
      }
      quantized = true;
      Optional<InputStatistics> statistics = statistics(side, fold.size()).or(() -> ofOthers(fold));
      long rows = side.tensor().shape().dim(1 - side.axis());
      Optional<CodedSample> sample =
          weight.matrix().columnCount() == fold.size()
              ? CodedSample.of(settings, weight, Weight.sampled(rows, Group.mostRows()))
              : Optional.empty();
      if (statistics.isPresent() && sample.isPresent()) {
        WeightMatrix like = weight.matrix();
        weights.add(
            new Weight(
                new WeightMatrix(
                    like.layer(), like.kind(), like.param(), side.tensor(), 1 - side.axis()),
                sample.get(),
                statistics.get()));
      }
    }
    if (quantized && weights.isEmpty()) {
      problems.add(
          Problem.note(
              fold.input(),
              "it is not edited: "
                  + calibration.describe()
                  + " has no statistics of what it makes, or its scheme takes no part of a weight"));
    }
    return weights;
  }

  private Optional<InputStatistics> statistics(Side side, int columns) {
    return calibration
        .find(Calibration.layerOf(side.tensor().name()))
        .filter(s -> s.columns().isPresent() && s.columns().getAsInt() == columns);
  }

  /** They read the same input. */
  private Optional<InputStatistics> ofOthers(ScaleFold fold) {
    return fold.multiplied().stream()
        .flatMap(side -> statistics(side, fold.size()).stream())
        .findFirst();
  }

  private FactorSearch.Found[] run(List<FactorSearch> searches, List<ScaleFold> folds)
      throws IOException {
    FactorSearch.Found[] found = new FactorSearch.Found[searches.size()];
    long total = folds.stream().mapToLong(Edits::bytes).sum();
    Meter meter = new Meter(settings.progress(), Progress.Stage.STATISTICS, total);
    List<Workers.Job> jobs = new ArrayList<>();
    for (int i = 0; i < found.length; i++) {
      int index = i;
      jobs.add(
          buffers -> {
            found[index] = searches.get(index).run();
            meter.add(bytes(folds.get(index)), folds.get(index).input());
          });
    }
    var iterator = jobs.iterator();
    String model = opened.source().info().name();
    BoundKernels.with(
        KernelChoice.of(settings, KernelChoice.numbers(opened.source().info())),
        () -> {
          StageEvent.during(
              Progress.Stage.STATISTICS,
              model,
              total,
              () -> {
                new Workers(settings.threads(), model)
                    .run(() -> iterator.hasNext() ? iterator.next() : null);
                return model;
              });
          return model;
        });
    return found;
  }

  private static long bytes(ScaleFold fold) {
    return fold.multiplied().stream().mapToLong(side -> side.tensor().bytes()).sum();
  }

  private void tell(ScaleFold fold, String range, String by) {
    fold.divided().forEach(side -> tell(side, "divided (" + method + ")", range));
    fold.multiplied()
        .forEach(side -> tell(side, "its columns are multiplied (" + method + ")", range));
    problems.add(
        Problem.note(
            fold.input(),
            "divided, and the columns of "
                + names(fold.multiplied().stream().map(side -> side.tensor().name()).toList())
                + " multiplied"
                + by));
  }

  private void tell(Side side, String word, String range) {
    String name = side.tensor().name();
    words.merge(name, word, (a, b) -> a + ", " + b);
    if (!range.isEmpty()) {
      ranges.merge(name, word + " by " + range, (a, b) -> a + ", " + b);
    }
  }

  /** Names the Linears that will be quantized as they are. */
  private void tellLeft(
      ScaleFolds all,
      Map<ModelSource.Origin, EncodedWeight> planned,
      Set<ModelSource.Origin> inFolds) {
    Map<String, List<String>> byReason = new TreeMap<>();
    planned.forEach(
        (origin, weight) -> {
          if (!inFolds.contains(origin) && weight.matrix().kind().equals(LayerKind.LINEAR)) {
            String reason =
                all.left()
                    .getOrDefault(
                        origin.tensor().name(),
                        "no norm or layer is known that makes its input alone");
            byReason.computeIfAbsent(reason, r -> new ArrayList<>()).add(weight.name());
          }
        });
    byReason.forEach(
        (reason, names) ->
            problems.add(
                Problem.note(
                    "edit=" + method,
                    Text.count(names.size(), "weight")
                        + " without factors, "
                        + names(names)
                        + ": "
                        + reason)));
  }

  private static String names(Collection<String> names) {
    return names.stream()
            .limit(MOST_NAMED)
            .map(QuantException::quote)
            .collect(Collectors.joining(", "))
        + (names.size() > MOST_NAMED ? " ..." : "");
  }
}

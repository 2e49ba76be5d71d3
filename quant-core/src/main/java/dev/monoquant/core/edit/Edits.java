package dev.monoquant.core.edit;

import dev.monoquant.ConfigurationException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.event.RecordedStage;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.run.CodedSample;
import dev.monoquant.core.run.KernelChoice;
import dev.monoquant.core.run.Meter;
import dev.monoquant.core.settings.AppliedEdits;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.work.Workers;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.EditOptions;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.ScaleFold.Side;
import dev.monoquant.spi.ScaleFolds;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
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
    requireDivisible(opened, format, method.get());
    Calibration calibration = calibration(settings, opened, method.get());
    Optional<Double> power =
        alpha.equals(EditOptions.SEARCH)
            ? Optional.empty()
            : Optional.of(Double.parseDouble(alpha));
    return new Edits(settings, opened, method.get(), power, calibration)
        .apply(config, format, searching);
  }

  /** A program is divided by what runs its weights. */
  private static void requireDivisible(
      Opened opened, Optional<OutputFormat> format, String method) {
    if (opened.source().find(RunnableFile.class).isPresent()
        && format.filter(OutputFormat::isRunnable).isEmpty()) {
      throw new ConfigurationException(
          opened.source().info().name()
              + ": edit="
              + method
              + " of a program needs an output that runs its weights, such as torchscript: the norms"
              + " before them are in its code. Write a .pt, edit the file or directory of its"
              + " weights, or leave the edit out");
    }
  }

  private static Calibration calibration(Settings settings, Opened opened, String method) {
    String name = opened.source().info().name();
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
      return told(opened, settings, Map.of());
    }
    PlannedCodes planned = PlannedCodes.of(settings, opened, config, format, searching);
    Map<String, String> left = new HashMap<>();
    List<Place> places =
        source.find(RunnableFile.class).isPresent()
            ? own(source.info(), planned, left)
            : folds(source.info(), left);
    List<FactorSearch> searches = new ArrayList<>();
    List<Place> searched = new ArrayList<>();
    Set<ModelSource.Origin> inPlaces = new HashSet<>();
    for (Place place : places) {
      place.multiplied().forEach(side -> inPlaces.add(source.origin(side.tensor())));
      List<Weight> weights = weights(place, planned.weights());
      if (!weights.isEmpty()) {
        searched.add(place);
        searches.add(
            new FactorSearch(
                source, place, weights, method.equals(EditOptions.SMOOTHQUANT), alpha));
      }
    }
    tellLeft(left, planned.weights(), inPlaces);
    if (!searching) {
      searched.forEach(place -> tell(place, "", ""));
      // All of them may be divided, so that the size of the output is the greatest it can be.
      Map<String, float[]> factors = new HashMap<>();
      searched.forEach(place -> keep(place, new float[0], factors));
      return told(opened, settings, factors);
    }
    Map<String, float[]> factors = new HashMap<>();
    List<Scaled> scaled = new ArrayList<>();
    FactorSearch.Found[] found = run(searches, searched);
    for (int i = 0; i < found.length; i++) {
      Place place = searched.get(i);
      if (found[i].scaled().isEmpty()) {
        problems.add(Problem.note(place.input(), "it is not edited: " + found[i].reason()));
      } else {
        Scaled one = found[i].scaled().get();
        scaled.add(one);
        keep(place, one.factors(), factors);
        String range = String.format(Locale.ROOT, "%.3g to %.3g", one.least(), one.greatest());
        tell(
            place,
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
        settings.withCalibration(new ScaledCalibration(calibration, scaled)),
        factors);
  }

  private Applied told(Opened model, Settings with, Map<String, float[]> factors) {
    return new Applied(model, with.withEdits(new AppliedEdits(words, ranges, factors, problems)));
  }

  /** Remembers factors that a weight takes with it. */
  private static void keep(Place place, float[] found, Map<String, float[]> factors) {
    if (place.isOwn()) {
      factors.put(place.multiplied().get(0).tensor().name(), found);
    }
  }

  /** Norms and Linears that are divided. */
  private List<Place> folds(ModelInfo model, Map<String, String> left) throws IOException {
    ScaleFolds all = FoldChoice.of(settings, model);
    left.putAll(all.left());
    return all.folds().stream().map(Place::of).toList();
  }

  /** The weights of a program, each of which divides its own inputs. */
  private static List<Place> own(ModelInfo model, PlannedCodes planned, Map<String, String> left) {
    List<Place> places = new ArrayList<>();
    planned
        .weights()
        .forEach(
            (origin, weight) -> {
              String name = weight.name();
              String reason = planned.undivided().get(name);
              if (model.ties().containsKey(name) || model.ties().containsValue(name)) {
                reason = "it is the same tensor as another one";
              }
              if (reason == null) {
                places.add(Place.own(weight.matrix().tensor(), 1 - weight.matrix().rowAxis()));
              } else {
                left.put(name, reason);
              }
            });
    return places;
  }

  /** The weights of a place that will be quantized and whose inputs are known. */
  private List<Weight> weights(Place place, Map<ModelSource.Origin, EncodedWeight> planned) {
    List<Weight> weights = new ArrayList<>();
    int most = Group.mostRows(place.multiplied().size(), place.size());
    boolean quantized = false;
    for (Side side : place.multiplied()) {
      EncodedWeight weight = planned.get(opened.source().origin(side.tensor()));
      if (weight == null || side.tensor().shape().rank() != 2) {
        continue;
      }
      quantized = true;
      Supplier<Optional<InputStatistics>> statistics =
          () -> statistics(side, place.size()).or(() -> ofOthers(place));
      int rows = Weight.sampled(side.tensor().shape().dim(1 - side.axis()), most);
      Optional<CodedSample> sample =
          weight.matrix().columnCount() == place.size()
              ? CodedSample.of(settings, weight, rows)
              : Optional.empty();
      if (sample.isPresent() && statistics.get().isPresent()) {
        WeightMatrix like = weight.matrix();
        weights.add(
            new Weight(
                new WeightMatrix(
                    like.layer(), like.kind(), like.param(), side.tensor(), 1 - side.axis()),
                rows,
                sample.get(),
                () -> statistics.get().orElseThrow()));
      }
    }
    if (quantized && weights.isEmpty()) {
      problems.add(
          Problem.note(
              place.input(),
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
  private Optional<InputStatistics> ofOthers(Place place) {
    return place.multiplied().stream()
        .flatMap(side -> statistics(side, place.size()).stream())
        .findFirst();
  }

  private FactorSearch.Found[] run(List<FactorSearch> searches, List<Place> places)
      throws IOException {
    FactorSearch.Found[] found = new FactorSearch.Found[searches.size()];
    long total = places.stream().mapToLong(Edits::bytes).sum();
    Meter meter = new Meter(settings.progress(), Progress.Stage.STATISTICS, total);
    List<Workers.Job> jobs = new ArrayList<>();
    for (int i = 0; i < found.length; i++) {
      int index = i;
      jobs.add(
          buffers -> {
            found[index] = searches.get(index).run();
            meter.add(bytes(places.get(index)), places.get(index).input());
          });
    }
    String model = opened.source().info().name();
    BoundKernels.with(
        KernelChoice.of(settings, KernelChoice.numbers(opened.source().info())),
        () -> {
          RecordedStage.run(
              Progress.Stage.STATISTICS,
              model,
              total,
              () -> new Workers(threads(searches), model).runAll(jobs));
          return model;
        });
    return found;
  }

  /** As many as half of the memory is enough for. */
  private int threads(List<FactorSearch> searches) {
    long each = searches.stream().mapToLong(FactorSearch::bytes).max().orElse(1);
    long allowed = settings.maxMemory().orElse(Runtime.getRuntime().maxMemory()) / 2;
    return (int) Math.max(1, Math.min(settings.threads(), allowed / Math.max(1, each)));
  }

  private static long bytes(Place place) {
    return place.multiplied().stream().mapToLong(side -> side.tensor().bytes()).sum();
  }

  private void tell(Place place, String range, String by) {
    if (place.isOwn()) {
      tell(
          place.multiplied().get(0),
          "its codes are of multiplied columns, and its inputs are divided (" + method + ")",
          range);
      problems.add(Problem.note(place.input(), "its inputs are divided by factors" + by));
      return;
    }
    place.divided().forEach(side -> tell(side, "divided (" + method + ")", range));
    place
        .multiplied()
        .forEach(side -> tell(side, "its columns are multiplied (" + method + ")", range));
    problems.add(
        Problem.note(
            place.input(),
            "divided, and the columns of "
                + names(place.multiplied().stream().map(side -> side.tensor().name()).toList())
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
      Map<String, String> left,
      Map<ModelSource.Origin, EncodedWeight> planned,
      Set<ModelSource.Origin> inPlaces) {
    Map<String, List<String>> byReason = new TreeMap<>();
    planned.forEach(
        (origin, weight) -> {
          if (!inPlaces.contains(origin) && weight.matrix().kind().equals(LayerKind.LINEAR)) {
            String reason =
                left.getOrDefault(
                    origin.tensor().name(), "no norm or layer is known that makes its input alone");
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

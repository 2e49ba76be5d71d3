package dev.monoquant.core;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.OutputException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.RaggedGroupPolicy;
import dev.monoquant.Rule;
import dev.monoquant.ValidationException;
import dev.monoquant.core.TuneTrials.Batch;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.control.TuneOptions;
import dev.monoquant.core.open.InputOpener;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.TuneReport;
import dev.monoquant.core.settings.Gates;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.trial.Costs;
import dev.monoquant.core.trial.ModelRunner;
import dev.monoquant.core.trial.ModelRunners;
import dev.monoquant.core.trial.RunJob;
import dev.monoquant.core.trial.SampleFiles;
import dev.monoquant.core.trial.TrustedCode;
import dev.monoquant.core.tune.TunedLayers;
import dev.monoquant.core.tune.TunedLayers.Choice;
import dev.monoquant.core.tune.TunedLayers.Point;
import dev.monoquant.files.input.FileFault;
import dev.monoquant.model.Family;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Hashing;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.RunnableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Finds how each layer of a runnable model is best quantized. What an option costs is measured
 * through the model: with these layers alone quantized, as they would run, it runs on the samples
 * beside the original. What is chosen runs too, since costs do not quite add up.
 */
final class TuneRun {

  /** The most layers in a note. */
  private static final int MOST_NAMED = 3;

  private final Settings settings;
  private final TuneOptions options;
  private final ModelInput input;
  private final Opened opened;
  private final Path folder;
  private final RunnableFile original;
  private final List<String> notes = new ArrayList<>();

  /** The name of a weight of each layer, which no other layer and no kind has. */
  private final Map<String, String> weights = new HashMap<>();

  private final long started = System.nanoTime();
  private final TunePasses passes;
  private final long mostRuns;

  private TuneRun(
      Settings settings,
      TuneOptions options,
      ModelInput input,
      Opened opened,
      Path folder,
      TunePasses passes) {
    this.passes = passes;
    this.mostRuns = options.mostRuns().orElse(Long.MAX_VALUE);
    this.settings = settings;
    this.options = options;
    this.input = input;
    this.opened = opened;
    this.folder = folder;
    String name = opened.source().info().name();
    Optional<RunnableFile> file = opened.source().find(RunnableFile.class);
    TrustedCode.require(settings, name, file, RunJob.Purpose.COMPARE);
    this.original =
        file.orElseThrow(
            () ->
                new ModelFormatException(
                    Reason.NOT_THIS_FORMAT, name, "", "it has no program that could be run"));
  }

  static TuneReport tune(Settings settings, ModelInput input, TuneOptions options) {
    try {
      return settings.cancellation().run(() -> run(settings, input, options));
    } catch (IOException e) {
      throw new OutputException("a temporary file: " + FileFault.writing(e), e);
    }
  }

  private static TuneReport run(Settings given, ModelInput input, TuneOptions options)
      throws IOException {
    Settings settings =
        given
            .withRunning(false)
            .withGates(Gates.NONE)
            .withResume(false)
            .withSync(false)
            .withHashing(Hashing.NONE)
            .withSamples(List.of());
    TunePasses passes = new TunePasses(given.progress());
    Settings running =
        given
            .withProgress(passes)
            .withSamples(
                SampleFiles.of(given.samples()).stream()
                    .limit(options.mostSamples().orElse(Long.MAX_VALUE))
                    .toList());
    Path folder = Files.createTempDirectory("monoquant-tune-");
    try (Opened opened = InputOpener.open(settings, input, settings.inputOptions())) {
      TuneRun run = new TuneRun(settings, options, input, opened, folder, passes);
      try (ModelRunner runner = ModelRunners.start(running);
          Costs costs = run.costs(runner)) {
        return run.run(costs);
      }
    } finally {
      try (var files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.deleteIfExists(file);
        }
      }
      Files.delete(folder);
    }
  }

  private Costs costs(ModelRunner runner) {
    return runner.costs(
        new RunJob.Candidate(opened.source().info().name(), original.file()),
        original.methods(),
        opened.source().info().layers());
  }

  private TuneReport run(Costs costs) throws IOException {
    List<Map<String, PlannedWeight>> plans = new ArrayList<>();
    for (TuneWay way : TuneWay.ALL) {
      plans.add(planned(way));
    }
    Map<String, PlannedWeight> all = new LinkedHashMap<>();
    plans.forEach(plan -> plan.forEach(all::putIfAbsent));
    all.values()
        .forEach(
            w ->
                weights.putIfAbsent(
                    w.weight().matrix().layer(), w.weight().matrix().tensor().name()));
    List<List<String>> families = families(all);
    List<NavigableMap<Long, Integer>> ways = new ArrayList<>();
    families.forEach(family -> ways.add(TuneTrials.ways(own(family, all), plans)));
    List<Long> sizes = families.stream().map(family -> bytesBefore(own(family, all))).toList();
    List<List<Choice>> choices = measured(families, sizes, ways, costs);
    long before = opened.source().info().tensors().stream().mapToLong(TensorInfo::bytes).sum();
    long rest = before - all.values().stream().mapToLong(PlannedWeight::bytesBefore).sum();
    long numbers =
        all.values().stream().mapToLong(w -> w.weight().matrix().tensor().shape().elements()).sum();
    tellUnmeasured(families, ways, choices);
    TunedLayers tuned = new TunedLayers(choices);
    Sized sized = new Sized(before, rest, numbers, families, costs);
    return options.cosine().isPresent() ? sized.byCosine(tuned) : sized.byBytes(tuned);
  }

  private Map<String, PlannedWeight> planned(TuneWay way) throws IOException {
    QuantizationConfig config =
        base().weights(base().build().weights().overrideWith(way.settings())).build();
    Plan plan =
        OutputsRun.plan(settings, input, List.of(new Output(folder.resolve("plan.pt"), config)))
            .outputs()
            .get(0)
            .plan();
    Map<String, PlannedWeight> weights = new LinkedHashMap<>();
    plan.weights().forEach(w -> weights.put(w.weight().name(), w));
    return weights;
  }

  private QuantizationConfig.Builder base() {
    QuantizationConfig config = options.config();
    QuantizationConfig.Builder builder =
        QuantizationConfig.builder()
            .weights(config.weights())
            .raggedGroups(RaggedGroupPolicy.CHANNEL);
    config.rules().forEach(builder::rule);
    return builder;
  }

  /**
   * Layers that loaders fuse together, and each other layer for itself, in the order of the model.
   */
  private List<List<String>> families(Map<String, PlannedWeight> weights) {
    Set<String> layers = new LinkedHashSet<>();
    weights.values().forEach(w -> layers.add(w.weight().matrix().layer()));
    Map<String, Family> owners = new HashMap<>();
    for (Family family : opened.source().info().families()) {
      family.layers().forEach(layer -> owners.putIfAbsent(layer, family));
    }
    Map<String, List<String>> families = new LinkedHashMap<>();
    for (String layer : layers) {
      Family owner = owners.get(layer);
      String key = owner == null ? "layer " + layer : "family " + owner.name();
      families.computeIfAbsent(key, k -> new ArrayList<>()).add(layer);
    }
    return List.copyOf(families.values());
  }

  private static List<PlannedWeight> own(List<String> family, Map<String, PlannedWeight> all) {
    return all.values().stream().filter(w -> family.contains(w.weight().matrix().layer())).toList();
  }

  private static long bytesBefore(List<PlannedWeight> weights) {
    return weights.stream().mapToLong(PlannedWeight::bytesBefore).sum();
  }

  /**
   * The options of each family with their bytes and measured costs, as far as the budget allows.
   */
  private List<List<Choice>> measured(
      List<List<String>> families,
      List<Long> sizes,
      List<NavigableMap<Long, Integer>> ways,
      Costs costs)
      throws IOException {
    List<List<Choice>> choices = new ArrayList<>();
    sizes.forEach(
        size -> choices.add(new ArrayList<>(List.of(new Choice(TuneWay.FLOAT, size, 0)))));
    List<Batch> batches = TuneTrials.of(ways, sizes, mostRuns, options.mostSeconds().isPresent());
    passes.plan(batches.stream().mapToLong(batch -> batch.ways().size()).sum() + 1);
    for (Batch batch : batches) {
      if (isSpent()) {
        break;
      }
      List<String> family = families.get(batch.family());
      List<Output> outputs = new ArrayList<>();
      for (Map.Entry<Long, Integer> way : batch.ways()) {
        outputs.add(
            new Output(
                folder.resolve("way-" + way.getValue() + ".pt"),
                config(Map.of(family, way.getValue()))));
      }
      quantize(family.get(0), outputs);
      for (int i = 0; i < outputs.size(); i++) {
        Map.Entry<Long, Integer> way = batch.ways().get(i);
        String subject = family.get(0) + ": " + TuneWay.ALL.get(way.getValue()).name();
        choices
            .get(batch.family())
            .add(new Choice(way.getValue(), way.getKey(), cost(costs, outputs.get(i), subject)));
      }
    }
    return choices;
  }

  private void tellUnmeasured(
      List<List<String>> families,
      List<NavigableMap<Long, Integer>> ways,
      List<List<Choice>> choices) {
    long all = ways.stream().mapToLong(Map::size).sum();
    long done = choices.stream().mapToLong(of -> of.size() - 1).sum();
    if (done == all) {
      return;
    }
    notes.add(done + " of " + all + " options were measured, since the budget was spent");
    List<String> left = new ArrayList<>();
    for (int i = 0; i < choices.size(); i++) {
      if (choices.get(i).size() == 1 && !ways.get(i).isEmpty()) {
        left.add(families.get(i).get(0));
      }
    }
    if (!left.isEmpty()) {
      notes.add(
          String.format(
              "left in float, since no option of theirs was measured: %d of %d layers or families,"
                  + " the smallest ones: %s",
              left.size(), families.size(), Text.names(left, MOST_NAMED)));
    }
  }

  private boolean isSpent() {
    long seconds = (System.nanoTime() - started) / 1_000_000_000L;
    return passes.done() >= mostRuns || seconds >= options.mostSeconds().orElse(Long.MAX_VALUE);
  }

  /** Writes outputs in one pass over the model. */
  private void quantize(String subject, List<Output> outputs) {
    passes.begin("quantizing " + subject);
    OutputsRun.quantize(settings.withProgress(Progress.NONE), input, outputs, true, reports -> {});
  }

  /** Runs an output on the samples, and removes it. */
  private double cost(Costs costs, Output output, String subject) throws IOException {
    passes.begin(subject);
    Path file = output.target();
    double cost = costs.of(new RunJob.Candidate(file.toString(), file)).cost();
    passes.end();
    Files.deleteIfExists(file);
    return cost;
  }

  private QuantizationConfig config(Map<List<String>, Integer> ways) {
    QuantizationConfig.Builder builder = base();
    ways.forEach(
        (family, way) -> {
          if (way != TuneWay.FLOAT) {
            family.forEach(
                l -> builder.rule(Rule.include(pattern(l), TuneWay.ALL.get(way).settings())));
          }
        });
    if (ways.values().stream().allMatch(way -> way == TuneWay.FLOAT)) {
      // Without any rule all layers would be quantized.
      builder.rule(Rule.exclude("*"));
    }
    return builder.build();
  }

  /**
   * A pattern that selects the layer of that name alone: the name of its weight, since a layer may
   * be the whole model, whose name is empty, or be called as a kind of layers is, such as Linear.
   */
  private String pattern(String layer) {
    String weight = requireNonNull(weights.get(layer), layer);
    boolean plain =
        weight.indexOf('*') < 0
            && weight.indexOf('?') < 0
            && !weight.startsWith("re:")
            && !weight.startsWith("kind:");
    return plain ? weight : "re:" + Pattern.quote(weight) + "\\z";
  }

  /** Chooses among the points of the curve, with the sizes of the model. */
  private final class Sized {

    private final long before;
    private final long rest;
    private final long numbers;
    private final List<List<String>> families;
    private final Costs costs;
    private final Map<List<Integer>, Double> measured = new HashMap<>();

    Sized(long before, long rest, long numbers, List<List<String>> families, Costs costs) {
      this.before = before;
      this.rest = rest;
      this.numbers = numbers;
      this.families = families;
      this.costs = costs;
    }

    TuneReport byBytes(TunedLayers tuned) throws IOException {
      long budget =
          options.size().isPresent()
              ? (long) (options.size().getAsDouble() * before) - rest
              : (long) (options.bits().orElseThrow() * numbers / Byte.SIZE);
      TunedLayers.Certified chosen = tuned.within(budget);
      if (chosen.point().bytes() > budget) {
        throw new ValidationException(
            opened.source().info().name()
                + ": the smallest choice takes "
                + String.format("%.4f", size(chosen.point()))
                + " of the size and "
                + String.format("%.3f", bits(chosen.point()))
                + " bits; the target cannot be met. Allow more");
      }
      measure(chosen.point());
      return report(tuned, chosen.point(), chosen.point().cost() - chosen.bound());
    }

    TuneReport byCosine(TunedLayers tuned) throws IOException {
      double target = options.cosine().orElseThrow();
      List<Point> curve = tuned.curve();
      int last = curve.size() - 1;
      int low = 0;
      while (low < last && 1 - curve.get(low).cost() < target) {
        low++;
      }
      int passing = low;
      int failing = -1;
      for (int step = 1; measure(curve.get(passing)) < target; step *= 2) {
        if (passing == last) {
          throw new ValidationException(
              opened.source().info().name()
                  + ": a cosine of "
                  + measure(curve.get(last))
                  + " is the best that was measured; the target of "
                  + target
                  + " cannot be met. Choose another mode, or a lower target");
        }
        failing = passing;
        passing = Math.min(last, passing + step);
      }
      while (failing >= 0 && passing - failing > 1) {
        int middle = (passing + failing) / 2;
        if (measure(curve.get(middle)) < target) {
          failing = middle;
        } else {
          passing = middle;
        }
      }
      return report(tuned, curve.get(passing), 0);
    }

    /** The cosine of the model with all its choices. */
    private double measure(Point point) throws IOException {
      Double known = measured.get(point.options());
      if (known != null) {
        return known;
      }
      double cosine = 1;
      if (point.options().stream().anyMatch(way -> way != TuneWay.FLOAT)) {
        Output output = new Output(folder.resolve("all.pt"), config(point));
        quantize("all", List.of(output));
        cosine = 1 - cost(costs, output, "all layers as chosen");
      }
      measured.put(point.options(), cosine);
      return cosine;
    }

    private QuantizationConfig config(Point point) {
      Map<List<String>, Integer> ways = new LinkedHashMap<>();
      for (int i = 0; i < families.size(); i++) {
        ways.put(families.get(i), point.options().get(i));
      }
      return TuneRun.this.config(ways);
    }

    private double size(Point point) {
      return (double) (rest + point.bytes()) / before;
    }

    private double bits(Point point) {
      return (double) point.bytes() * Byte.SIZE / numbers;
    }

    private TuneReport.Size described(Point point) {
      Double cosine = measured.get(point.options());
      return new TuneReport.Size(
          size(point),
          bits(point),
          1 - point.cost(),
          cosine == null ? OptionalDouble.empty() : OptionalDouble.of(cosine));
    }

    private TuneReport report(TunedLayers tuned, Point chosen, double gap) {
      List<TuneReport.Chosen> choices = new ArrayList<>();
      for (int i = 0; i < families.size(); i++) {
        int way = chosen.options().get(i);
        choices.add(
            new TuneReport.Chosen(
                families.get(i),
                way == TuneWay.FLOAT ? "float" : TuneWay.ALL.get(way).name(),
                tuned.cost(i, way)));
      }
      return new TuneReport(
          config(chosen),
          choices,
          tuned.curve().stream().map(this::described).toList(),
          described(chosen),
          Math.max(0, gap),
          notes);
    }
  }
}

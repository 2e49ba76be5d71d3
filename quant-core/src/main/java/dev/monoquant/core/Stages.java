package dev.monoquant.core;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.CalibrationOptions;
import dev.monoquant.core.edit.Edits;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.core.observe.CalibrationRun;
import dev.monoquant.core.open.InputOpener;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.open.OptionOwners;
import dev.monoquant.core.open.OutputChoice;
import dev.monoquant.core.plan.LayerInference;
import dev.monoquant.core.plan.PlanProvenance;
import dev.monoquant.core.plan.Planner;
import dev.monoquant.core.report.CalibrationReport;
import dev.monoquant.core.report.Comparison;
import dev.monoquant.core.report.Inspection;
import dev.monoquant.core.report.MemoryNeed;
import dev.monoquant.core.report.OutputSize;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.Verification;
import dev.monoquant.core.run.DecodedSource;
import dev.monoquant.core.run.Execution;
import dev.monoquant.core.run.KernelChoice;
import dev.monoquant.core.run.Pipeline;
import dev.monoquant.core.run.StatisticsPass;
import dev.monoquant.core.run.TensorHashes;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.store.RetainedResult;
import dev.monoquant.core.store.StoredModel;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.verify.Comparer;
import dev.monoquant.core.verify.Verifier;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.BesideFile;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.SideFile;
import dev.monoquant.spi.WriteOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The steps of each method of {@link Quantizer}. */
final class Stages {

  /** For messages that have no report. */
  private static final Logger LOG = LoggerFactory.getLogger(Stages.class);

  private Stages() {}

  static Inspection inspect(Settings settings, ModelInput input, boolean hashes) {
    try (Opened opened = InputOpener.openStored(settings, input, settings.inputOptions())) {
      OptionOwners.requireKnown(settings, opened);
      ModelSource source = opened.source();
      List<String> notes = new ArrayList<>(source.info().notes());
      if (opened.foreign().isEmpty()) {
        List<String> more = new ArrayList<>(InputOpener.trained(source, input).info().notes());
        more.removeAll(notes);
        more.forEach(note -> notes.add("when it is quantized: " + note));
      }
      List<TensorInfo> tensors = new ArrayList<>();
      source.info().quantized().forEach(w -> tensors.add(w.matrix().tensor()));
      tensors.addAll(source.info().tensors());
      List<Layer> layers =
          LayerInference.layers(tensors, source.info(), QuantizationConfig.DEFAULT);
      return new Inspection(
          source.info().name(),
          opened.format(),
          layers,
          source.info().quantized(),
          source.info().quantized().stream()
              .collect(Collectors.toMap(EncodedWeight::name, source::storedBytes)),
          source.info().metadata(),
          notes,
          hashes ? TensorHashes.of(source) : Map.of(),
          opened.foreign());
    } catch (IOException e) {
      throw InputOpener.unreadable(input, e);
    }
  }

  /** Plans for an output without a target. */
  static Plan plan(Settings settings, ModelInput input, QuantizationConfig config) {
    Optional<OutputFormat> format =
        OutputChoice.optional(settings.plugins(), config, Optional.empty());
    format.ifPresent(f -> OutputChoice.requireRun(settings, List.of(f)));
    try (Opened opened = open(settings, input, config)) {
      Settings edited = Edits.apply(settings, opened, config, format, false).settings();
      if (format.isEmpty()) {
        return plan(edited, opened, config, Optional.empty());
      }
      try (OutputChoice.Open output = OutputChoice.open(format.get(), opened.source())) {
        return plan(edited, opened.as(edited, output.view()), config, Optional.of(output));
      }
    } catch (IOException e) {
      throw InputOpener.unreadable(input, e);
    }
  }

  static QuantizedModel quantize(Settings settings, ModelInput input, QuantizationConfig config) {
    try {
      return settings.cancellation().run(() -> quantizeAtHand(settings, input, config));
    } catch (IOException e) {
      throw InputOpener.unreadable(input, e);
    }
  }

  private static QuantizedModel quantizeAtHand(
      Settings settings, ModelInput input, QuantizationConfig config) throws IOException {
    Optional<OutputFormat> format =
        OutputChoice.optional(settings.plugins(), config, Optional.empty());
    format.ifPresent(f -> OutputChoice.requireRun(settings, List.of(f)));
    Opened original = open(settings, input, config);
    boolean handedOver = false;
    try {
      Edits.Applied applied = Edits.apply(settings, original, config, format, true);
      Opened opened = applied.opened();
      Opened seen =
          format.isEmpty() ? opened : opened.as(settings, format.get().view(opened.source()));
      Plan plan = soundPlanFor(applied.settings(), seen, config, format);
      Provenance provenance = PlanProvenance.of(applied.settings(), config, plan, opened.reading());
      boolean stateDict =
          !(input instanceof ModelInput.OfBlock || input instanceof ModelInput.OfModel);
      QuantizedModel model =
          RetainedResult.quantize(applied.settings(), seen, plan, provenance, config, stateDict);
      handedOver = RetainedResult.needsOriginal(opened.source());
      return model;
    } finally {
      if (!handedOver) {
        original.close();
      }
    }
  }

  static List<Path> convert(
      Settings settings,
      ModelInput input,
      Path target,
      Optional<String> formatId,
      boolean overwrite) {
    OutputFormat format = OutputChoice.required(settings.plugins(), withFormat(formatId), target);
    try (Opened opened = InputOpener.open(settings, input, settings.inputOptions())) {
      OptionOwners.requireKnown(settings, opened);
      ModelInfo info = opened.source().info();
      boolean floats = info.quantized().isEmpty() && opened.foreign().isEmpty();
      // A float model is converted if the other format has other names or shapes for it.
      if (floats && format.floatView(opened.source()) != opened.source()) {
        info.notes().forEach(note -> LOG.warn("{}", Text.line(note)));
        return settings
            .cancellation()
            .run(() -> copy(settings, opened.source(), format, target, overwrite));
      }
      if (floats && !format.isRunnable()) {
        // A format that cannot store the model says why.
        OutputChoice.open(format, opened.source()).close();
      }
    } catch (IOException e) {
      throw OutputChoice.unwritable(target, e);
    }
    try (StoredModel model = load(settings, input)) {
      return model.save(target, formatId, overwrite);
    }
  }

  static StoredModel load(Settings settings, ModelInput input) {
    Opened opened = InputOpener.open(settings, input, settings.inputOptions());
    try {
      OptionOwners.requireKnown(settings, opened);
      opened.requireQuantized();
      return new StoredModel(
          settings,
          opened.source(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          true,
          () -> {});
    } catch (RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  static List<Path> dequantize(
      Settings settings,
      ModelInput input,
      Path target,
      Optional<String> formatId,
      boolean overwrite) {
    try {
      return settings
          .cancellation()
          .run(() -> decode(settings, input, target, formatId, overwrite));
    } catch (IOException e) {
      throw OutputChoice.unwritable(target, e);
    }
  }

  private static List<Path> decode(
      Settings settings,
      ModelInput input,
      Path target,
      Optional<String> formatId,
      boolean overwrite)
      throws IOException {
    OutputFormat format = OutputChoice.required(settings.plugins(), withFormat(formatId), target);
    try (Opened opened = InputOpener.open(settings, input, settings.inputOptions())) {
      OptionOwners.requireKnown(settings, opened);
      opened.requireQuantized();
      opened.source().info().notes().forEach(note -> LOG.warn("{}", Text.line(note)));
      return copy(
          settings, new DecodedSource(settings, opened.source()), format, target, overwrite);
    }
  }

  /** Writes a model of floats in another format. */
  private static List<Path> copy(
      Settings settings, ModelSource floats, OutputFormat format, Path target, boolean overwrite)
      throws IOException {
    ModelSource shown = format.floatView(floats);
    ModelInfo info = shown.info();
    OutputContents contents =
        new OutputContents(
            LayerInference.layers(info.tensors(), info, QuantizationConfig.DEFAULT),
            List.of(),
            info.tensors(),
            Optional.empty());
    WriteOptions options = new WriteOptions(target, overwrite, settings.sync(), false);
    try (OutputChoice.Open output = OutputChoice.open(format, shown)) {
      OutputLayout layout = output.session().layout(contents);
      layout.notes().forEach(note -> LOG.warn("{}: {}", target, Text.line(note)));
      try (OutputWriter sink = layout.open(options)) {
        BoundKernels.with(
            KernelChoice.of(settings, KernelChoice.numbers(info)),
            () -> {
              new Pipeline(settings).copy(shown, info.tensors(), sink);
              return sink;
            });
        Execution.finish(settings, sink, target);
        List<Path> files = settings.cancellation().place(sink::commit);
        sink.notes().forEach(note -> LOG.warn("{}: {}", target, Text.line(note)));
        return files;
      }
    }
  }

  static Verification verify(Settings settings, Path output, Optional<ModelInput> against) {
    return Verifier.verify(settings, output, against);
  }

  static Comparison compare(Settings settings, ModelInput a, ModelInput b) {
    try (Opened first = InputOpener.open(settings, a, settings.inputOptions());
        Opened second = InputOpener.open(settings, b, settings.inputOptions())) {
      OptionOwners.requireKnown(settings, first, second);
      return BoundKernels.with(
          KernelChoice.of(settings, KernelChoice.numbers(first.source().info())),
          () -> new Comparer(settings).compare(first, second));
    } catch (IOException e) {
      throw new ModelFormatException(
          Reason.UNREADABLE, a.describe() + " or " + b.describe(), "", "reading failed: " + e, e);
    }
  }

  static CalibrationReport calibrate(
      Settings settings,
      ModelInput input,
      CalibrationOptions options,
      Path target,
      boolean overwrite) {
    try {
      return settings
          .cancellation()
          .run(() -> CalibrationRun.run(settings, input, options, target, overwrite));
    } catch (IOException e) {
      throw OutputChoice.unwritable(target.toString(), e);
    }
  }

  static RunComparison runSideBySide(Settings settings, List<Path> models) {
    try {
      return settings.cancellation().run(() -> SideBySide.run(settings, models));
    } catch (IOException e) {
      throw InputOpener.unreadable(ModelInput.of(models.get(0)), e);
    }
  }

  /** Plans for a format without writing it; only checks which weights it can store. */
  private static Plan soundPlanFor(
      Settings settings, Opened opened, QuantizationConfig config, Optional<OutputFormat> format)
      throws IOException {
    if (format.isEmpty()) {
      return soundPlan(settings, opened, config, Optional.empty());
    }
    try (OutputChoice.Open output = OutputChoice.open(format.get(), opened.source())) {
      return soundPlan(settings, opened.as(settings, output.view()), config, Optional.of(output));
    }
  }

  private static Plan soundPlan(
      Settings settings,
      Opened opened,
      QuantizationConfig config,
      Optional<OutputChoice.Open> output)
      throws IOException {
    Plan plan = plan(settings, opened, config, output);
    plan.requireNoErrors();
    if (Execution.policy(config) == NonFinitePolicy.KEEP) {
      Map<String, String> odd =
          new StatisticsPass(settings)
              .toKeep(
                  List.of(
                      new StatisticsPass.Request(
                          opened.source(), NonFinitePolicy.KEEP, plan.weights(), plan.weights())))
              .get(0);
      if (!odd.isEmpty()) {
        Planner planner = new Planner(settings, config, output, opened.own(), odd);
        plan = planner.plan(opened);
        plan.requireNoErrors();
      }
    }
    return plan;
  }

  private static Plan plan(
      Settings settings,
      Opened opened,
      QuantizationConfig config,
      Optional<OutputChoice.Open> output) {
    return new Planner(settings, config, output, opened.own(), Map.of()).plan(opened);
  }

  static OutputLayout layout(
      Settings settings,
      Opened opened,
      Plan plan,
      QuantizationConfig config,
      OutputChoice.Open output)
      throws IOException {
    return output
        .session()
        .layout(plan.contents(PlanProvenance.of(settings, config, plan, opened.reading())));
  }

  static List<Problem> withNotes(List<Problem> problems, List<String> notes) {
    List<Problem> all = new ArrayList<>(problems);
    notes.forEach(note -> all.add(Problem.note("output", note)));
    return all;
  }

  /** Adds the size and remarks of the layout to a plan. */
  static Plan withOutput(Plan plan, OutputLayout layout, ModelInfo info, Path target) {
    List<Problem> problems = new ArrayList<>(plan.problems());
    layout.warnings().forEach(text -> problems.add(Problem.warning("output", text, "")));
    Map<String, String> remarks = layout.remarks();
    List<BesideFile> beside = new ArrayList<>(layout.beside(target));
    Set<String> had =
        beside.stream()
            .filter(file -> file.fate() != BesideFile.Fate.LEFT_OUT)
            .map(BesideFile::name)
            .collect(Collectors.toSet());
    long besideBefore =
        info.sideFiles().stream()
            .filter(side -> had.contains(side.name()))
            .mapToLong(SideFile::bytes)
            .sum();
    beside.addAll(info.leftOut());
    return new Plan(
        plan.input(),
        plan.inputFormat(),
        plan.outputFormat(),
        plan.layers(),
        plan.weights().stream()
            .map(w -> w.withRemark(joined(remarks.getOrDefault(w.weight().name(), ""), w)))
            .toList(),
        plan.kept(),
        plan.kvCache(),
        withNotes(problems, layout.notes()),
        Optional.of(new OutputSize(layout.bytes(), besideBefore, beside)));
  }

  private static String joined(String remark, PlannedWeight weight) {
    return remark.isEmpty() || weight.remark().isEmpty()
        ? remark + weight.remark()
        : weight.remark() + "; " + remark;
  }

  /** Opens an input with the options of the configuration, or else of the settings. */
  static Opened open(Settings settings, ModelInput input, QuantizationConfig config) {
    Map<String, String> given = new HashMap<>(settings.inputOptions());
    given.putAll(config.weights().extra());
    Opened opened = InputOpener.open(settings, input, given);
    try {
      OptionOwners.requireKnown(settings, opened);
      ModelInfo info = opened.source().info();
      // Planning needs memory, too.
      settings
          .maxMemory()
          .ifPresent(
              bound ->
                  MemoryNeed.requireTensors(
                      info.tensors().size() + info.quantized().size(), bound));
      return settings.requantize() && opened.foreign().isEmpty()
          ? requantized(settings, opened)
          : opened;
    } catch (RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  private static Opened requantized(Settings settings, Opened opened) {
    if (opened.source().info().quantized().isEmpty()) {
      throw new ConfigurationException(
          opened.source().info().name()
              + " holds no quantized weights, so there is nothing to quantize again. Leave"
              + " --requantize (withRequantize) away.");
    }
    return opened.decoded(settings);
  }

  private static QuantizationConfig withFormat(Optional<String> formatId) {
    QuantizationConfig.Builder builder = QuantizationConfig.builder();
    formatId.ifPresent(builder::format);
    return builder.build();
  }
}

package dev.monoquant.core;

import dev.monoquant.ConfigurationException;
import dev.monoquant.NonFinitePolicy;
import dev.monoquant.OutputException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.edit.Edits;
import dev.monoquant.core.open.InputOpener;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.open.OutputChoice;
import dev.monoquant.core.open.Targets;
import dev.monoquant.core.plan.Planner;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.Plans;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.Reports;
import dev.monoquant.core.run.Execution;
import dev.monoquant.core.run.StatisticsPass;
import dev.monoquant.core.settings.Gates;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.ModelRunner;
import dev.monoquant.core.trial.ModelRunners;
import dev.monoquant.core.trial.RunJob;
import dev.monoquant.core.trial.Trial;
import dev.monoquant.core.trial.TrustedCode;
import dev.monoquant.files.input.Closing;
import dev.monoquant.files.manifest.OpenedFiles;
import dev.monoquant.files.manifest.SharedHashes;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputLayout;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.WriteOptions;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Makes one or several outputs of a model in one pass over it. Each has its own view, plan, layout,
 * writer and report, and the bytes that a run of its own would write.
 *
 * <p>All outputs are complete under temporary names, and accepted, before the first is put in
 * place; then they are put in place in the order given. If one fails before that, none changes.
 */
final class OutputsRun implements AutoCloseable {

  /** With the calibration of the edited model once an edit is applied. */
  private Settings settings;

  private final List<Output> outputs;

  /** The resources of the run, in the order of closing. */
  private final Deque<Closeable> owned = new ArrayDeque<>();

  private OutputsRun(Settings settings, List<Output> outputs) {
    this.settings = settings;
    this.outputs = List.copyOf(outputs);
    if (outputs.isEmpty()) {
      throw new ConfigurationException("no output is given. Example: -o model-int8.safetensors");
    }
  }

  static Plans plan(Settings settings, ModelInput input, List<Output> outputs) {
    try (OutputsRun run = new OutputsRun(settings, outputs)) {
      return run.plan(input);
    } catch (IOException e) {
      throw InputOpener.unreadable(input, e);
    }
  }

  static Reports quantize(
      Settings settings,
      ModelInput input,
      List<Output> outputs,
      boolean overwrite,
      Consumer<Reports> gate) {
    try {
      return settings
          .cancellation()
          .run(
              () -> {
                try (OutputsRun run = new OutputsRun(settings, outputs)) {
                  return run.quantize(input, overwrite, gate);
                }
              });
    } catch (IOException e) {
      String targets =
          outputs.stream().map(o -> o.target().toString()).collect(Collectors.joining(", "));
      throw OutputChoice.unwritable(targets, e);
    }
  }

  /** An output whose format is open on the model. */
  private record Begun(Output output, OutputChoice.Open open, Opened seen) {

    QuantizationConfig config() {
      return output.config();
    }

    Path target() {
      return output.target();
    }

    boolean isRunnable() {
      return open.format().isRunnable();
    }

    NonFinitePolicy policy() {
      return Execution.policy(config());
    }
  }

  /** An output that is written. */
  private record Writing(
      Begun begun, Plan plan, boolean tried, ModelRunner runner, OutputWriter sink) {

    Path target() {
      return begun.target();
    }

    Execution.Job job() {
      return new Execution.Job(begun.seen().source(), plan, begun.policy(), sink);
    }
  }

  /** An output that is complete, or refused. */
  private record Done(Writing writing, Report report, Trial trial, int shared) {

    Reports.Entry entry() {
      return new Reports.Entry(writing.target(), report, shared);
    }

    /** Notes of the writer that came after the report. */
    Done withLateNotes() {
      List<String> late = new ArrayList<>(writing.sink().notes());
      late.removeAll(report.problems().stream().map(Problem::message).toList());
      return new Done(
          writing,
          report.with(Stages.withNotes(report.problems(), late), report.run()),
          trial,
          shared);
    }
  }

  private boolean isSeveral() {
    return outputs.size() > 1;
  }

  private Plans plan(ModelInput input) throws IOException {
    List<Plans.Entry> plans = new ArrayList<>();
    for (Begun begun : begin(input, false)) {
      Plan plan = plan(begun, Map.of());
      plans.add(
          new Plans.Entry(
              begun.target(), plan.hasErrors() ? plan : sized(begun, plan, layout(begun, plan))));
    }
    return new Plans(plans);
  }

  private Reports quantize(ModelInput input, boolean overwrite, Consumer<Reports> gate)
      throws IOException {
    List<Begun> begun = begin(input, true);
    for (Begun one : begun) {
      if (isTried(one)) {
        ModelSource source = one.seen().source();
        TrustedCode.require(
            settings, source.info().name(), source.find(RunnableFile.class), RunJob.Purpose.ACCEPT);
      }
    }
    List<Writing> writing = open(begun, soundPlans(begun), overwrite);
    List<Execution.Made> made =
        Execution.run(settings, writing.stream().map(Writing::job).toList());
    List<Done> done = new ArrayList<>();
    for (int i = 0; i < writing.size(); i++) {
      done.add(tried(writing.get(i), made.get(i), gates(begun.get(i), begun)));
    }
    gate.accept(new Reports(done.stream().map(Done::entry).toList()));
    requireAccepted(done);
    for (Writing one : writing) {
      if (!one.tried()) {
        Execution.finish(settings, one.sink(), one.target());
      }
    }
    settings.cancellation().place(() -> place(writing));
    return new Reports(done.stream().map(one -> one.withLateNotes().entry()).toList());
  }

  private boolean isTried(Begun one) {
    return settings.running() && one.isRunnable();
  }

  /**
   * Opens the input once and each output on it.
   *
   * @param searching whether the factors of an edit are chosen
   */
  private List<Begun> begin(ModelInput input, boolean searching) throws IOException {
    List<OutputFormat> formats = new ArrayList<>();
    for (Output output : outputs) {
      formats.add(OutputChoice.required(settings.plugins(), output.config(), output.target()));
    }
    if (isSeveral()) {
      Targets.requireApart(outputs.stream().map(Output::target).toList());
    }
    Opened opened = Stages.open(settings, input, outputs.get(0).config());
    owned.push(opened::close);
    OpenedFiles files = OpenedFiles.of(opened.source());
    requireSameReading(opened);
    for (int i = 0; i < outputs.size(); i++) {
      Output output = outputs.get(i);
      formats.set(
          i,
          OutputChoice.forSource(
              settings.plugins(),
              output.config(),
              formats.get(i),
              opened.source(),
              Optional.of(output.target())));
    }
    OutputChoice.requireRun(settings, formats);
    opened = edited(opened, formats, searching);
    Optional<SharedHashes> shared = isSeveral() ? Optional.of(hashes()) : Optional.empty();
    Opened source = opened.with(new HashedSource(opened.source(), files, shared));
    Map<String, ModelSource> views = new HashMap<>();
    List<Begun> begun = new ArrayList<>();
    for (int i = 0; i < outputs.size(); i++) {
      OutputChoice.Open open = OutputChoice.open(formats.get(i), source.source(), views);
      owned.push(open);
      begun.add(new Begun(outputs.get(i), open, source.as(settings, open.view())));
    }
    return begun;
  }

  /** The model with its edit; one output at a time has its own. */
  private Opened edited(Opened opened, List<OutputFormat> formats, boolean searching)
      throws IOException {
    if (isSeveral()) {
      for (Output output : outputs) {
        if (Edits.wanted(output.config().weights().extra()).isPresent()) {
          throw new ConfigurationException(
              output.target()
                  + ": an edit changes what other outputs read, too. Write this output by a run of"
                  + " its own");
        }
      }
      return opened;
    }
    Edits.Applied applied =
        Edits.apply(
            settings, opened, outputs.get(0).config(), Optional.of(formats.get(0)), searching);
    settings = applied.settings();
    return applied.opened();
  }

  private SharedHashes hashes() {
    SharedHashes hashes = new SharedHashes();
    owned.push(hashes);
    return hashes;
  }

  /** The model is read in one way for all outputs. */
  private void requireSameReading(Opened opened) {
    Map<String, String> first = outputs.get(0).config().weights().extra();
    for (Output other : outputs.subList(1, outputs.size())) {
      Map<String, String> extra = other.config().weights().extra();
      for (String name : opened.own().names()) {
        if (!Optional.ofNullable(extra.get(name)).equals(Optional.ofNullable(first.get(name)))) {
          throw new ConfigurationException(
              other.target()
                  + ": option "
                  + name
                  + " belongs to "
                  + opened.own()
                  + ", which reads the model once for all outputs. Give all outputs the same value"
                  + " of it");
        }
      }
    }
  }

  private Plan plan(Begun begun, Map<String, String> odd) {
    try {
      return new Planner(
              settings, begun.config(), Optional.of(begun.open()), begun.seen().own(), odd)
          .plan(begun.seen());
    } catch (ConfigurationException e) {
      throw isSeveral() ? new ConfigurationException(begun.target() + ": " + e.getMessage(), e) : e;
    }
  }

  /** The plans without errors; weights with numbers that are to be kept are left unquantized. */
  private List<Plan> soundPlans(List<Begun> begun) throws IOException {
    List<Plan> plans = new ArrayList<>();
    begun.forEach(one -> plans.add(plan(one, Map.of())));
    requireNoErrors(begun, plans);
    List<Integer> keeping = new ArrayList<>();
    List<StatisticsPass.Request> requests = new ArrayList<>();
    for (int i = 0; i < plans.size(); i++) {
      if (begun.get(i).policy() == NonFinitePolicy.KEEP) {
        List<PlannedWeight> weights = plans.get(i).weights();
        keeping.add(i);
        requests.add(
            new StatisticsPass.Request(
                begun.get(i).seen().source(), NonFinitePolicy.KEEP, weights, weights));
      }
    }
    List<Map<String, String>> odd = new StatisticsPass(settings).toKeep(requests);
    for (int k = 0; k < keeping.size(); k++) {
      if (!odd.get(k).isEmpty()) {
        int i = keeping.get(k);
        plans.set(i, plan(begun.get(i), odd.get(k)));
      }
    }
    requireNoErrors(begun, plans);
    return plans;
  }

  private static void requireNoErrors(List<Begun> begun, List<Plan> plans) {
    List<Plans.Entry> entries = new ArrayList<>();
    for (int i = 0; i < plans.size(); i++) {
      entries.add(new Plans.Entry(begun.get(i).target(), plans.get(i)));
    }
    new Plans(entries).requireNoErrors();
  }

  private OutputLayout layout(Begun begun, Plan plan) throws IOException {
    return Stages.layout(settings, begun.seen(), plan, begun.config(), begun.open());
  }

  private static Plan sized(Begun begun, Plan plan, OutputLayout layout) {
    return Stages.withOutput(plan, layout, begun.seen().source().info(), begun.target());
  }

  /** Opens all writers, before any work is done. */
  private List<Writing> open(List<Begun> begun, List<Plan> plans, boolean overwrite)
      throws IOException {
    List<OutputLayout> layouts = new ArrayList<>();
    Map<Path, Long> bytes = new LinkedHashMap<>();
    for (int i = 0; i < begun.size(); i++) {
      layouts.add(layout(begun.get(i), plans.get(i)));
      bytes.put(begun.get(i).target(), layouts.get(i).bytes());
    }
    if (isSeveral() && !settings.resume()) {
      Targets.requireSpace(bytes);
    }
    List<Writing> writing = new ArrayList<>();
    for (int i = 0; i < begun.size(); i++) {
      Begun one = begun.get(i);
      boolean tried = isTried(one);
      // Started first, so that no work is lost if it cannot start.
      ModelRunner runner = tried ? ModelRunners.start(settings) : ModelRunner.NONE;
      owned.push(runner::close);
      WriteOptions options =
          new WriteOptions(one.target(), overwrite, settings.sync(), settings.resume());
      OutputWriter sink = layouts.get(i).open(options);
      owned.push(sink);
      writing.add(new Writing(one, sized(one, plans.get(i), layouts.get(i)), tried, runner, sink));
    }
    return writing;
  }

  private Done tried(Writing one, Execution.Made made, Gates gates) throws IOException {
    Trial trial =
        one.tried()
            ? Trial.of(
                settings,
                one.runner(),
                one.begun().seen().source(),
                one.plan().layers(),
                one.sink(),
                one.target())
            : Trial.NONE;
    Report written = made.report();
    Report noted =
        written.with(Stages.withNotes(written.problems(), one.sink().notes()), written.run());
    return new Done(one, trial.on(noted, gates), trial, made.shared());
  }

  /** Gates for runs apply to the outputs that can be run, if there are any. */
  private Gates gates(Begun one, List<Begun> all) {
    return all.stream().anyMatch(Begun::isRunnable) && !one.isRunnable()
        ? settings.gates().withoutRun()
        : settings.gates();
  }

  /** Refuses all outputs if one is not accepted; the message names each. */
  private void requireAccepted(List<Done> done) {
    Map<Path, QuantException> refusals = new LinkedHashMap<>();
    for (Done one : done) {
      try {
        one.trial().requireAccepted(one.report().gates());
      } catch (QuantException e) {
        refusals.put(one.writing().target(), e);
      }
    }
    for (QuantException e : refusals.values()) {
      if (!isSeveral() || !(e instanceof ValidationException)) {
        throw e;
      }
    }
    if (!refusals.isEmpty()) {
      throw new ValidationException(
          refusals.entrySet().stream()
              .map(e -> e.getKey() + ": " + e.getValue().getMessage())
              .collect(Collectors.joining("; ")),
          refusals.values().iterator().next());
    }
  }

  /** Puts the outputs in place, one after the other. */
  private static Void place(List<Writing> writing) throws IOException {
    for (int i = 0; i < writing.size(); i++) {
      try {
        writing.get(i).sink().commit();
      } catch (IOException | RuntimeException e) {
        if (i == 0) {
          throw e;
        }
        throw new OutputException(
            writing.get(i).target()
                + ": it could not be put in place: "
                + e
                + ". In place are "
                + names(writing.subList(0, i))
                + "; not "
                + names(writing.subList(i, writing.size())),
            e);
      }
    }
    return null;
  }

  private static String names(List<Writing> writing) {
    return writing.stream().map(w -> w.target().toString()).collect(Collectors.joining(", "));
  }

  @Override
  public void close() throws IOException {
    Closing.all(owned);
  }
}

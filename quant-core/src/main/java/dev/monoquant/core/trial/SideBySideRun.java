package dev.monoquant.core.trial;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.Cancellation;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.control.RunTiming;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.RunResult;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.trial.RunJob.Candidate;
import dev.monoquant.core.trial.RunJob.Purpose;
import dev.monoquant.spi.RunnableFile.Method;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Runs models side by side: each is called on every sample to compare its outputs with those of the
 * first, and again in {@linkplain UsedMemory used memory} to compare them with its own; then the
 * models are timed in turn.
 */
final class SideBySideRun implements AutoCloseable {

  /**
   * The earlier runs on every sample already include the first calls, in which graphs are compiled.
   */
  private static final int WARM_UP = 1;

  private static final int LEAST_ROUNDS = 5;
  private static final int MOST_ROUNDS = 1_000_000;

  private final List<Candidate> candidates;
  private final List<Method> methods;
  private final ReferenceModel reference;
  private final List<RunnableModel> models = new ArrayList<>();
  private final Purpose purpose;
  private final RunTiming timing;
  private final Progress progress;
  private final Cancellation cancellation;
  private final NDManager manager;

  private SideBySideRun(RunJob job, Settings settings) {
    this.purpose = job.purpose();
    this.timing = settings.timing();
    this.progress = settings.progress();
    this.cancellation = settings.cancellation();
    this.candidates = job.candidates();
    this.methods = job.methods();
    progress.update(Progress.Stage.RUNNING, 0, 0, "loading " + candidates.get(0).name());
    this.reference = ReferenceModel.load(job);
    models.add(reference.model());
    this.manager = NDManager.newBaseManager(Device.cpu());
    for (Candidate other : candidates.subList(1, candidates.size())) {
      try {
        // The code that prepares weights at load time may read uninitialised memory too.
        UsedMemory.leave(manager, 0);
        progress.update(Progress.Stage.RUNNING, 0, 0, "loading " + other.name());
        models.add(RunnableModel.load(other.name(), other.file()));
      } catch (ValidationException e) {
        close();
        throw new ValidationException(other.name() + ": " + e.getMessage(), e);
      }
    }
  }

  /**
   * Runs the models.
   *
   * @param settings the samples, the options for reading them, the cancellation, and the progress
   * @param job the job to run
   * @throws ModelFormatException if the reference does not load
   * @throws ValidationException if another does not load or fails where the reference does not
   * @throws ConfigurationException if the reference itself cannot be run on the samples
   */
  static RunComparison run(Settings settings, RunJob job) {
    try (SideBySideRun run = new SideBySideRun(job, settings)) {
      ReferenceModel.Inputs inputs = run.reference.inputs(settings, run.manager);
      return run.on(inputs.described(), inputs.calls());
    }
  }

  /** {@return the methods that no sample calls, for the user; may be empty} */
  private String notRun(List<ModelCall> samples) {
    List<String> names =
        methods.stream()
            .filter(method -> !method.inner() || method.name().equals(ModelCall.FORWARD))
            .map(Method::name)
            .filter(name -> samples.stream().noneMatch(call -> call.method().equals(name)))
            .toList();
    return names.isEmpty() ? "" : " (not run: " + String.join(", ", names) + ")";
  }

  private RunComparison on(String described, List<ModelCall> samples) {
    List<Outputs> outputs =
        models.stream().map(model -> new Outputs(model.name(), purpose.remedy())).toList();
    int done = 0;
    for (ModelCall sample : samples) {
      cancellation.check();
      progress.update(Progress.Stage.RUNNING, done++, samples.size(), described);
      try (NDManager scope = manager.newSubManager()) {
        List<NDList> first = new ArrayList<>();
        for (int i = 0; i < models.size(); i++) {
          first.add(run(i, described, sample, scope));
          outputs.get(i).meters().get(0).add(first.get(0), first.get(i));
        }
        for (int kind = 0; kind < UsedMemory.KINDS; kind++) {
          again(described, sample, first, kind, outputs);
        }
      }
    }
    for (Outputs other : outputs.subList(1, outputs.size())) {
      other.spread().requireWithin(other.name(), described, outputs.get(0).spread());
    }
    List<long[]> rounds = time(samples);
    return new RunComparison(
        described + notRun(samples) + outputs.get(0).spread().unsteady(),
        rounds.size(),
        IntStream.range(0, models.size())
            .mapToObj(i -> result(i, rounds, outputs.get(i).worst()))
            .toList(),
        List.of());
  }

  private void again(
      String described, ModelCall sample, List<NDList> first, int kind, List<Outputs> outputs) {
    try (NDManager scope = manager.newSubManager()) {
      List<NDList> again = new ArrayList<>();
      for (int i = 0; i < models.size(); i++) {
        UsedMemory.leave(manager, kind);
        again.add(run(i, described, sample, scope));
        outputs.get(i).spread().add(first.get(i), again.get(i));
        outputs.get(i).meters().get(1 + kind).add(again.get(0), again.get(i));
      }
    }
  }

  /**
   * The measurements of the outputs of a model.
   *
   * @param meters the meter of each run, against the same run of the reference
   * @param spread the spread of its own runs
   */
  private record Outputs(String name, List<OutputMeter> meters, RunSpread spread) {

    Outputs(String name, String remedy) {
      this(
          name,
          Stream.generate(() -> new OutputMeter(name, remedy)).limit(1 + UsedMemory.KINDS).toList(),
          new RunSpread());
    }

    /** {@return the run that is the furthest from the reference} */
    OutputMeter worst() {
      return Collections.min(
          meters,
          Comparator.<OutputMeter>comparingLong(m -> -m.mismatched())
              .thenComparingDouble(m -> m.total().cosine()));
    }
  }

  private NDList run(int model, String described, ModelCall sample, NDManager scope) {
    return model == 0
        ? reference.run(described, sample, scope)
        : other(model, described, sample, scope);
  }

  private NDList other(int model, String described, ModelCall sample, NDManager scope) {
    try {
      return models.get(model).run(sample, scope);
    } catch (RuntimeException e) {
      throw models.get(model).failed(described, e);
    }
  }

  /** The times of each round, in nanoseconds, a number for each model. */
  private List<long[]> time(List<ModelCall> samples) {
    List<long[]> rounds = new ArrayList<>();
    boolean counted = purpose == Purpose.COMPARE && timing.rounds().isPresent();
    boolean limited = purpose == Purpose.COMPARE && timing.time().isPresent();
    long most = counted ? timing.rounds().getAsInt() : limited ? MOST_ROUNDS : purpose.mostRounds();
    long least = counted ? 1 : LEAST_ROUNDS;
    long enough =
        limited ? timing.time().get().toNanos() : counted ? Long.MAX_VALUE : purpose.enoughNanos();
    long started = System.nanoTime();
    for (long round = -WARM_UP; round < most; round++) {
      long[] times = new long[models.size()];
      for (int i = 0; i < times.length; i++) {
        // Native code ignores interrupts.
        cancellation.check();
        times[i] = time(models.get(i), samples);
      }
      if (round >= 0) {
        rounds.add(times);
      }
      long passed = System.nanoTime() - started;
      if (rounds.size() >= least && passed > enough) {
        break;
      }
      double inTime = (double) enough / Math.max(1, passed) * rounds.size();
      progress.update(
          Progress.Stage.TIMING,
          rounds.size(),
          Math.max(rounds.size(), Math.min(most, Math.max(least, Math.round(inTime)))),
          Text.count(models.size(), "model"));
    }
    return rounds;
  }

  private long time(RunnableModel model, List<ModelCall> samples) {
    long nanos = 0;
    for (ModelCall sample : samples) {
      try (NDManager scope = manager.newSubManager()) {
        long start = System.nanoTime();
        model.run(sample, scope);
        nanos += System.nanoTime() - start;
      } catch (RuntimeException e) {
        // Compiled graphs come with the second or third call.
        throw model.failed("inputs that it ran on before", e);
      }
    }
    return nanos;
  }

  private RunResult result(int index, List<long[]> rounds, OutputMeter meter) {
    Candidate candidate = candidates.get(index);
    RunnableModel model = models.get(index);
    long[] times = rounds.stream().mapToLong(round -> round[index]).sorted().toArray();
    double[] speedups =
        rounds.stream()
            .mapToDouble(round -> (double) round[0] / Math.max(1, round[index]))
            .sorted()
            .toArray();
    int quarter = rounds.size() / 4;
    try {
      return new RunResult(
          candidate.name(),
          Files.size(candidate.file()),
          times[times.length / 2],
          times[0],
          new RunResult.Spread(
              times[times.length - 1], speedups[quarter], speedups[speedups.length - 1 - quarter]),
          model.loadNanos(),
          model.firstNanos(),
          meter.total(),
          meter.floats(),
          meter.mismatched(),
          meter.pairs());
    } catch (IOException e) {
      throw new UncheckedIOException(candidate.file() + " cannot be looked at", e);
    }
  }

  @Override
  public void close() {
    manager.close();
    models.forEach(RunnableModel::close);
  }
}

package dev.monoquant.core.trial;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.Cancellation;
import dev.monoquant.core.control.RunTiming;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.RunResult;
import dev.monoquant.core.settings.Settings;
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
import java.util.stream.Collectors;
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
  private final List<RunnableModel> models = new ArrayList<>();
  private final Purpose purpose;
  private final RunTiming timing;
  private final Cancellation cancellation;
  private final NDManager manager;

  private SideBySideRun(
      List<Candidate> candidates, List<Method> methods, Purpose purpose, Settings settings) {
    this.purpose = purpose;
    this.timing = settings.timing();
    this.cancellation = settings.cancellation();
    this.candidates = List.copyOf(candidates);
    this.methods = List.copyOf(methods);
    Candidate reference = candidates.get(0);
    try {
      models.add(RunnableModel.load(reference.name(), reference.file()));
    } catch (ValidationException e) {
      throw noReference(reference, e);
    }
    this.manager = NDManager.newBaseManager(Device.cpu());
    for (Candidate other : candidates.subList(1, candidates.size())) {
      try {
        // The code that prepares weights at load time may read uninitialised memory too.
        UsedMemory.leave(manager, 0);
        models.add(RunnableModel.load(other.name(), other.file()));
      } catch (ValidationException e) {
        close();
        throw new ValidationException(other.name() + ": " + e.getMessage(), e);
      }
    }
  }

  private ModelFormatException noReference(Candidate candidate, ValidationException e) {
    return new ModelFormatException(
        Reason.NOT_THIS_FORMAT,
        candidate.name(),
        "",
        e.getMessage()
            + ". Only TorchScript files are run (torch.jit.save, or torch.jit.trace), and not those"
            + " with operations that this engine does not have yet"
            + purpose.remedy(),
        e);
  }

  /**
   * Runs the models.
   *
   * @param settings the samples, the options for reading them, and the cancellation
   * @param job the job to run
   * @throws ModelFormatException if the reference does not load
   * @throws ValidationException if another does not load or fails where the reference does not
   * @throws ConfigurationException if the reference itself cannot be run on the samples
   */
  static RunComparison run(Settings settings, RunJob job) {
    try (SideBySideRun run =
        new SideBySideRun(job.candidates(), job.methods(), job.purpose(), settings)) {
      if (settings.samples().isEmpty()) {
        return run.onSynthetic(job.guesses());
      }
      String described =
          settings.samples().stream().map(SampleInputs::describe).collect(Collectors.joining(", "));
      List<ModelCall> samples = new ArrayList<>();
      for (SampleInputs sample : settings.samples()) {
        samples.addAll(SampleReader.read(settings, sample, job.methods(), run.manager));
      }
      return run.on(described, samples);
    }
  }

  private RunComparison onSynthetic(List<SyntheticInputs> guesses) {
    for (SyntheticInputs candidate : guesses) {
      cancellation.check();
      ModelCall inputs = ModelCall.of(candidate.make(manager));
      try (NDManager scope = manager.newSubManager()) {
        models.get(0).run(inputs, scope);
      } catch (UnsupportedOperationException e) {
        throw noOutputs(e);
      } catch (RuntimeException e) {
        // The model needs other inputs: try the next candidate.
        continue;
      }
      return on(candidate.describe(), List.of(inputs));
    }
    throw new ConfigurationException(
        models.get(0).name()
            + ": what it is to be called with cannot be told from its layers. Give it inputs: "
            + (methods.isEmpty()
                ? "a tensor for each parameter of forward, --sample inputs.safetensors"
                : "--sample inputs.npz with " + needed(methods.get(0)))
            + " (withSamples)"
            + purpose.remedy());
  }

  /** {@return what a sample must have for a method, with its signature} */
  private static String needed(Method method) {
    String prefix = method.name().equals(ModelCall.FORWARD) ? "" : method.name() + ":";
    return String.join(
            ", ",
            method.parameters().stream()
                .filter(p -> !p.optional())
                .map(p -> SampleArguments.needed(p.type(), prefix + p.name()))
                .toList())
        + ", for "
        + SampleArguments.signature(method);
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
    for (ModelCall sample : samples) {
      cancellation.check();
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
        ? reference(described, sample, scope)
        : other(model, described, sample, scope);
  }

  private NDList reference(String described, ModelCall sample, NDManager scope) {
    try {
      return models.get(0).run(sample, scope);
    } catch (UnsupportedOperationException e) {
      throw noOutputs(e);
    } catch (RuntimeException e) {
      throw new ConfigurationException(
          models.get(0).failed(described, e).getMessage()
              + ". The samples must be what its "
              + sample.method()
              + " takes, an array for each parameter"
              + methods.stream()
                  .filter(m -> m.name().equals(sample.method()))
                  .map(m -> ": " + SampleArguments.signature(m))
                  .findFirst()
                  .orElse("")
              + purpose.remedy(),
          e);
    }
  }

  /** The model ran, but the engine cannot return its outputs. */
  private ConfigurationException noOutputs(UnsupportedOperationException e) {
    return new ConfigurationException(
        models.get(0).name()
            + ": it runs, but its outputs cannot be compared: the engine hands over tensors, and"
            + " lists, tuples and dicts of them, and something else is among them, such as None or"
            + " a number"
            + purpose.remedy(),
        e);
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
      if (rounds.size() >= least && System.nanoTime() - started > enough) {
        break;
      }
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

package dev.monoquant.core.trial;

import static java.util.Objects.requireNonNull;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.spi.TimedCopy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Runs a {@link TimedCopy}: some calls in which the engine compiles it, then rounds of one call, in
 * which the order of the ways changes. A time is that of the fastest round: other work on the
 * machine makes single calls of a layer a hundred times as slow.
 */
final class LayerTiming {

  private static final int FIRST_CALLS = 3;
  private static final int LEAST_ROUNDS = 2;
  private static final int MOST_ROUNDS = 60;
  private static final long ENOUGH_NANOS = 2_000_000_000L;

  private final Settings settings;
  private final RunnableModel model;
  private final NDManager manager;

  private LayerTiming(Settings settings, RunnableModel model, NDManager manager) {
    this.settings = settings;
    this.model = model;
    this.manager = manager;
  }

  /**
   * Runs a copy.
   *
   * @param settings the samples, and the cancellation
   * @param job the job; its only candidate is the copy
   * @return for each parameter that may hold times, what a call adds to its numbers, by name
   * @throws ValidationException if it does not run
   */
  static SortedMap<String, List<Long>> run(Settings settings, RunJob job) {
    RunJob.Candidate copy = job.candidates().get(0);
    try (RunnableModel model = RunnableModel.load(copy.name(), copy.file());
        NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      LayerTiming timing = new LayerTiming(settings, model, manager);
      return timing.times(timing.samples(job));
    }
  }

  private List<ModelCall> samples(RunJob job) {
    List<ModelCall> samples = new ArrayList<>();
    for (SampleInputs sample : SampleFiles.of(settings.samples())) {
      samples.addAll(SampleReader.read(settings, sample, job.methods(), manager));
    }
    if (!settings.samples().isEmpty()) {
      return samples;
    }
    for (SyntheticInputs guess : job.guesses()) {
      ModelCall made = ModelCall.of(guess.make(manager));
      try {
        call(made);
        return List.of(made);
      } catch (RuntimeException e) {
        // The model needs other inputs: try the next guess.
      }
    }
    throw new ValidationException("the copy that measures its layers takes none of the inputs");
  }

  private void call(ModelCall sample) {
    settings.cancellation().check();
    try (NDManager scope = manager.newSubManager()) {
      model.run(sample, scope);
    }
  }

  private SortedMap<String, List<Long>> times(List<ModelCall> samples) {
    for (int i = 0; i < FIRST_CALLS; i++) {
      samples.forEach(this::call);
    }
    List<Map<String, long[]>> sums = new ArrayList<>();
    sums.add(model.counters());
    long started = System.nanoTime();
    while (sums.size() <= MOST_ROUNDS
        && (sums.size() <= LEAST_ROUNDS || System.nanoTime() - started < ENOUGH_NANOS)) {
      samples.forEach(this::call);
      sums.add(model.counters());
      settings
          .progress()
          .update(
              Progress.Stage.TIMING, sums.size() - 1, MOST_ROUNDS, "the layers of a slow result");
    }
    SortedMap<String, List<Long>> times = new TreeMap<>();
    sums.get(0)
        .forEach(
            (name, first) -> {
              List<Long> ofWays = new ArrayList<>();
              for (int way = 0; way < first.length; way++) {
                ofWays.add(fastest(sums, name, way));
              }
              times.put(name, ofWays);
            });
    return times;
  }

  private static long fastest(List<Map<String, long[]>> sums, String name, int way) {
    long fastest = Long.MAX_VALUE;
    for (int i = 1; i < sums.size(); i++) {
      long before = requireNonNull(sums.get(i - 1).get(name))[way];
      fastest = Math.min(fastest, requireNonNull(sums.get(i).get(name))[way] - before);
    }
    return fastest;
  }
}

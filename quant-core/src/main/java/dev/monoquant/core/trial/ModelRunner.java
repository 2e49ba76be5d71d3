package dev.monoquant.core.trial;

import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.RunJob.Candidate;
import dev.monoquant.core.trial.RunJob.Purpose;
import dev.monoquant.model.Layer;
import dev.monoquant.spi.RunnableFile.Method;
import dev.monoquant.spi.TimedCopy;
import dev.monoquant.spi.TimedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Runs models in this process or in a child, see {@link ModelRunners#start}. The engine starts
 * before the runner is returned, so that no work is lost if it cannot start.
 */
public interface ModelRunner extends AutoCloseable {

  /** The runner for work that runs no model. */
  ModelRunner NONE =
      new ModelRunner() {
        @Override
        public RunComparison run(
            List<Candidate> candidates, List<Method> methods, List<Layer> layers, Purpose purpose) {
          throw new IllegalStateException("nothing was to be run");
        }

        @Override
        public Optional<LayerTimes> time(
            TimedModel model, List<Method> methods, List<Layer> layers) {
          throw new IllegalStateException("nothing was to be measured");
        }

        @Override
        public ObserveJob.Outcome observe(ObserveJob job) {
          throw new IllegalStateException("nothing was to be observed");
        }

        @Override
        public Costs costs(Candidate original, List<Method> methods, List<Layer> layers) {
          throw new IllegalStateException("nothing was to be measured");
        }

        @Override
        public void close() {
          // Nothing to close.
        }
      };

  /**
   * Runs models side by side; at most once for each runner.
   *
   * @param candidates the reference first; their code must have been checked
   * @param methods the methods of the reference, empty if unknown
   * @param layers the layers of the reference, from which inputs are inferred
   * @param purpose the purpose of the run
   * @throws dev.monoquant.QuantException as {@link SideBySideRun#run}; for a child, also a {@link
   *     dev.monoquant.ValidationException} if it crashes or exceeds its bounds
   */
  RunComparison run(
      List<Candidate> candidates, List<Method> methods, List<Layer> layers, Purpose purpose);

  /**
   * Measures the layers of a model; at most once for each runner, after {@link #run}.
   *
   * @param model writes the copy that measures itself
   * @param methods the methods of the original, empty if unknown
   * @param layers the layers of the original, from which inputs are inferred
   * @return the times; empty if the model has no such copy
   * @throws IOException if the copy cannot be written
   * @throws dev.monoquant.QuantException as {@link #run}
   */
  Optional<LayerTimes> time(TimedModel model, List<Method> methods, List<Layer> layers)
      throws IOException;

  /**
   * Runs a program that observes on the samples.
   *
   * @param job the programs, whose code must have been checked, and the file for the sums
   * @return how it went
   * @throws dev.monoquant.QuantException as {@link ObserveRun#run}; for a child, also a {@link
   *     dev.monoquant.ValidationException} if it crashes or exceeds its bounds
   */
  ObserveJob.Outcome observe(ObserveJob job);

  /**
   * Measures how far results are from an original.
   *
   * @param original the original, whose code must have been checked
   * @param methods its methods, empty if unknown
   * @param layers its layers, from which inputs are inferred
   * @return what measures; its owner closes it before this runner
   * @throws dev.monoquant.QuantException as {@link #run}; or when the first result is measured
   */
  Costs costs(Candidate original, List<Method> methods, List<Layer> layers);

  /** Ends a child and removes its files. */
  @Override
  void close();

  /**
   * Runs models in this process.
   *
   * @param settings the settings of the run
   */
  record InProcess(Settings settings) implements ModelRunner {

    @Override
    public RunComparison run(
        List<Candidate> candidates, List<Method> methods, List<Layer> layers, Purpose purpose) {
      return SideBySideRun.run(
          settings, new RunJob(candidates, methods, SyntheticInputs.candidates(layers), purpose));
    }

    @Override
    public Optional<LayerTimes> time(TimedModel model, List<Method> methods, List<Layer> layers)
        throws IOException {
      Path folder = Files.createTempDirectory("monoquant-run-");
      try {
        Path file = folder.resolve(ChildFolder.TIMED);
        Optional<TimedCopy> copy = model.timed(file);
        return copy.map(
            c ->
                LayerTimes.of(c, LayerTiming.run(settings, RunJob.ofTimed(file, methods, layers))));
      } finally {
        ChildFolder.delete(folder);
      }
    }

    @Override
    public ObserveJob.Outcome observe(ObserveJob job) {
      return ObserveRun.run(settings, job);
    }

    @Override
    public Costs costs(Candidate original, List<Method> methods, List<Layer> layers) {
      return CostRun.start(
          settings,
          new RunJob(List.of(original), methods, SyntheticInputs.candidates(layers), Purpose.COST));
    }

    @Override
    public void close() {
      // The engine stays loaded.
    }
  }
}

package dev.monoquant.core.trial;

import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.RunJob.Candidate;
import dev.monoquant.core.trial.RunJob.Purpose;
import dev.monoquant.model.Layer;
import dev.monoquant.spi.RunnableFile.Method;
import java.util.List;

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
        public ObserveJob.Outcome observe(ObserveJob job) {
          throw new IllegalStateException("nothing was to be observed");
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
   * Runs a program that observes on the samples; at most once for each runner, and not beside
   * {@link #run}.
   *
   * @param job the programs, whose code must have been checked, and the file for the sums
   * @throws dev.monoquant.QuantException as {@link ObserveRun#run}; for a child, also a {@link
   *     dev.monoquant.ValidationException} if it crashes or exceeds its bounds
   */
  ObserveJob.Outcome observe(ObserveJob job);

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
    public ObserveJob.Outcome observe(ObserveJob job) {
      return ObserveRun.run(
          settings,
          job,
          (calls, sample, samples) -> ObserveProgress.tell(settings, calls, sample, samples));
    }

    @Override
    public void close() {
      // The engine stays loaded.
    }
  }
}

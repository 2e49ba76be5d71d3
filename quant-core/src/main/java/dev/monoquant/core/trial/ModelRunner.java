package dev.monoquant.core.trial;

import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.trial.RunJob.Candidate;
import dev.monoquant.core.trial.RunJob.Purpose;
import dev.monoquant.model.Layer;
import java.util.List;

/**
 * What runs models: this process or a child, see {@link ModelRunners#start}. The engine has started
 * when it is made, so that no work is lost if it does not.
 */
public interface ModelRunner extends AutoCloseable {

  /** For work after which nothing is run. */
  ModelRunner NONE =
      new ModelRunner() {
        @Override
        public RunComparison run(
            List<Candidate> candidates,
            List<String> parameters,
            List<Layer> layers,
            Purpose purpose) {
          throw new IllegalStateException("nothing was to be run");
        }

        @Override
        public void close() {
          // There is nothing to end.
        }
      };

  /**
   * Runs models side by side; at most once for each runner.
   *
   * @param candidates the reference first; their code was checked
   * @param parameters the names of what the reference is called with, empty if not known
   * @param layers the layers of the reference, which tell what it might be called with
   * @param purpose why they run
   * @throws dev.monoquant.QuantException as {@link SideBySideRun#run}; if it is a child, also a
   *     {@link dev.monoquant.ValidationException} if it crashes, or exceeds its bounds
   */
  RunComparison run(
      List<Candidate> candidates, List<String> parameters, List<Layer> layers, Purpose purpose);

  /** Ends a child and removes its files. */
  @Override
  void close();

  /**
   * Runs models in this process.
   *
   * @param settings how
   */
  record InProcess(Settings settings) implements ModelRunner {

    @Override
    public RunComparison run(
        List<Candidate> candidates, List<String> parameters, List<Layer> layers, Purpose purpose) {
      return SideBySideRun.run(
          settings,
          new RunJob(candidates, parameters, SyntheticInputs.candidates(layers), purpose));
    }

    @Override
    public void close() {
      // The engine stays loaded.
    }
  }
}

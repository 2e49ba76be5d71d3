package dev.monoquant.core.trial;

import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.event.RecordedStage;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.RunResult;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.text.Text;
import dev.monoquant.model.Layer;
import dev.monoquant.spi.RunnableFile.Method;
import dev.monoquant.spi.TimedModel;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Which layers make a model slow.
 *
 * @param detail a sentence without a full stop
 * @param remedy the options to take; empty if none was measured to be faster
 */
public record Slowness(String detail, String remedy) {

  /** Speed-ups above this count as 1: runs of identical models differ as much. */
  private static final double SLOWER = 0.95;

  private static final long LEAST_SLOWER_NANOS = 100_000;

  /** The same for differences so short that they are noise more often. */
  private static final double SOON_SLOWER = 0.8;

  private static final long LEAST_SOON_SLOWER_NANOS = 20_000;

  /**
   * {@return whether a model is significantly slower than the reference}
   *
   * @param run a run of both
   * @param model the model
   */
  public static boolean isSlower(RunComparison run, RunResult model) {
    long more = model.medianNanos() - run.reference().medianNanos();
    // On a busy machine the median of a few rounds is unreliable: the fastest rounds must agree.
    double atBest = (double) run.reference().fastestNanos() / Math.max(1, model.fastestNanos());
    double speedup = Math.max(run.speedup(model), atBest);
    return (speedup <= SLOWER && more >= LEAST_SLOWER_NANOS)
        || (speedup <= SOON_SLOWER && more >= LEAST_SOON_SLOWER_NANOS);
  }

  /**
   * Measures layers. A failure of that is no reason against the model.
   *
   * @param settings the samples, and the cancellation
   * @param runner has run both
   * @param model writes the copy that measures itself
   * @param methods the methods of the original, empty if unknown
   * @param layers the layers of the original, from which inputs are inferred
   * @return what was measured; empty if the model has no such copy
   */
  public static Optional<Slowness> measured(
      Settings settings,
      ModelRunner runner,
      TimedModel model,
      List<Method> methods,
      List<Layer> layers) {
    try {
      return RecordedStage.during(
              Progress.Stage.TIMING, "layers", 0, () -> runner.time(model, methods, layers))
          .map(times -> new Slowness(times.describe(), times.remedy()));
    } catch (IOException | QuantException e) {
      settings.cancellation().check();
      return Optional.of(
          new Slowness("Which layers cost most could not be measured: " + e.getMessage(), ""));
    }
  }

  /**
   * {@return the warning for the user}
   *
   * @param run the run in which a model is slower
   * @param model the model
   * @param slowness which of its layers make it so; empty if they were not measured
   */
  public static Problem warning(RunComparison run, RunResult model, Optional<Slowness> slowness) {
    String measured = slowness.map(Slowness::remedy).orElse("");
    return Problem.warning(
        model.name(),
        Text.format("it runs at %.2f times the speed of the original on ", run.speedup(model))
            + run.inputs()
            + slowness.map(s -> ". " + s.detail()).orElse(""),
        (measured.isEmpty()
                ? "take --option mode=dynamic or --option kernels=fastest, which are faster, or"
                    + " --option mode=weight-only, which keeps the speed of the original"
                : measured + "; or try --option kernels=fastest")
            + "; try a larger --option small, which leaves small layers in float; or ask for a"
            + " speed: --min-speedup");
  }
}

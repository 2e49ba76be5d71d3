package dev.monoquant.core.trial;

import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.event.RecordedStage;
import dev.monoquant.core.report.GateResult;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.RunResult;
import dev.monoquant.core.settings.Gates;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.text.Text;
import dev.monoquant.model.Layer;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.RunnableFile.Method;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The side-by-side run of a runnable output and its original, before the output is accepted.
 *
 * @param run the result; empty if no run completed
 * @param problems the warnings for the user
 * @param refusal why the output must not be accepted; empty if it may be
 * @param slowness which layers make the output slower than the original; empty if it is not, or if
 *     layers cannot be measured
 */
public record Trial(
    Optional<RunComparison> run,
    List<Problem> problems,
    Optional<QuantException> refusal,
    Optional<Slowness> slowness) {

  /** Speed-ups above this count as 1: runs of identical models differ as much. */
  private static final double SLOWER = 0.95;

  private static final long LEAST_SLOWER_NANOS = 100_000;

  /** Nothing was run, because no run was needed. */
  public static final Trial NONE = of(Optional.empty(), List.of(), Optional.empty());

  /**
   * Which layers make an output slow.
   *
   * @param detail a sentence without a full stop
   * @param remedy the options to take; empty if none was measured to be faster
   */
  public record Slowness(String detail, String remedy) {}

  public Trial {
    problems = List.copyOf(problems);
  }

  /** {@return a trial of an output whose layers were not measured} */
  public static Trial of(
      Optional<RunComparison> run, List<Problem> problems, Optional<QuantException> refusal) {
    return new Trial(run, problems, refusal, Optional.empty());
  }

  /**
   * Completes an output and runs it beside the original. A reason against the output is returned in
   * the result and not thrown, so that it can be reported with everything else.
   *
   * @param runner runs the models
   * @param source the original
   * @param layers its layers, from which inputs are inferred
   * @param writer has received all data, and is neither finished nor committed
   * @param target the path of the output
   */
  public static Trial of(
      Settings settings,
      ModelRunner runner,
      ModelSource source,
      List<Layer> layers,
      OutputWriter writer,
      Path target)
      throws IOException {
    Optional<Path> made = writer.finish();
    if (made.isEmpty()) {
      return NONE;
    }
    Optional<RunnableFile> original = source.find(RunnableFile.class);
    if (original.isEmpty()) {
      return of(
          Optional.empty(),
          List.of(
              Problem.warning(
                  target.toString(),
                  "it was accepted without being run: its input, as it was read, has nothing that"
                      + " runs to compare it with",
                  "run both yourself, or read the input in a format that tells its file")),
          Optional.empty());
    }
    settings.progress().update(Progress.Stage.RUNNING, 0, 0, target.toString());
    try {
      TrustedCode.require(settings, source.info().name(), original, RunJob.Purpose.ACCEPT);
      RunComparison run =
          RecordedStage.during(
              Progress.Stage.RUNNING,
              target.toString(),
              0,
              () ->
                  runner.run(
                      List.of(
                          new RunJob.Candidate(source.info().name(), original.get().file()),
                          new RunJob.Candidate(target.toString(), made.get())),
                      original.get().methods(),
                      layers,
                      RunJob.Purpose.ACCEPT));
      Optional<QuantException> refusal = mismatch(run);
      if (refusal.isEmpty()) {
        refusal = HeldWeights.difference(settings, writer, made.get());
      }
      boolean isSlower = run.others().stream().anyMatch(model -> isSlower(run, model));
      return new Trial(
          Optional.of(run),
          List.of(),
          refusal,
          isSlower && refusal.isEmpty()
              ? slowness(settings, runner, writer, original.get().methods(), layers)
              : Optional.empty());
    } catch (QuantException e) {
      return of(Optional.empty(), List.of(), Optional.of(e));
    }
  }

  /** Measures layers. A failure of that is no reason against the output. */
  static Optional<Slowness> slowness(
      Settings settings,
      ModelRunner runner,
      OutputWriter writer,
      List<Method> methods,
      List<Layer> layers) {
    try {
      return RecordedStage.during(
              Progress.Stage.TIMING, "layers", 0, () -> runner.time(writer, methods, layers))
          .map(times -> new Slowness(times.describe(), times.remedy()));
    } catch (IOException | QuantException e) {
      settings.cancellation().check();
      return Optional.of(
          new Slowness("Which layers cost most could not be measured: " + e.getMessage(), ""));
    }
  }

  private static Optional<QuantException> mismatch(RunComparison run) {
    for (RunResult model : run.others()) {
      if (model.mismatched() > 0) {
        return Optional.of(
            new ValidationException(
                model.name()
                    + ": "
                    + model.mismatched()
                    + " numbers of its outputs are NaN or infinite where those of "
                    + run.reference().name()
                    + " are not, or the other way around, on "
                    + run.inputs()
                    + "; nothing was written. Try another mode or more bits, or exclude layers"));
      }
    }
    return Optional.empty();
  }

  /** {@return whether a model is significantly slower than the reference} */
  private static boolean isSlower(RunComparison run, RunResult model) {
    long more = model.medianNanos() - run.reference().medianNanos();
    // On a busy machine the median of a few rounds is unreliable: the fastest rounds must agree.
    double atBest = (double) run.reference().fastestNanos() / Math.max(1, model.fastestNanos());
    return Math.max(run.speedup(model), atBest) <= SLOWER && more >= LEAST_SLOWER_NANOS;
  }

  private Problem slower(RunComparison run, RunResult model) {
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

  /** {@return a report with the result of the run and of the gates} */
  public Report on(Report report, Gates gates) {
    List<Problem> all = new ArrayList<>(report.problems());
    all.addAll(problems);
    refusal.ifPresent(
        e -> all.add(Problem.error("run beside the original", String.valueOf(e.getMessage()), "")));
    run.ifPresent(
        r -> r.others().stream().filter(m -> isSlower(r, m)).forEach(m -> all.add(slower(r, m))));
    Report told = report.with(all, run);
    return told.withGates(gates.checkRun(told));
  }

  /**
   * Throws unless the output may be accepted.
   *
   * @throws QuantException the refusal, or a {@link ValidationException} that names the missed
   *     gates, or both in one
   */
  public void requireAccepted(List<GateResult> gates) {
    if (refusal.isEmpty()) {
      Gates.require(gates);
      return;
    }
    QuantException refused = refusal.get();
    List<GateResult> missed =
        gates.stream().filter(g -> !g.passed() && !Double.isNaN(g.value())).toList();
    if (missed.isEmpty() || !(refused instanceof ValidationException)) {
      throw refused;
    }
    throw new ValidationException(
        refused.getMessage() + ". Gates missed besides: " + Gates.said(missed), refused);
  }
}

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
import dev.monoquant.model.Layer;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.RunnableFile;
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

  /** Nothing was run, because no run was needed. */
  public static final Trial NONE = of(Optional.empty(), List.of(), Optional.empty());

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
      boolean isSlower = run.others().stream().anyMatch(model -> Slowness.isSlower(run, model));
      return new Trial(
          Optional.of(run),
          List.of(),
          refusal,
          isSlower && refusal.isEmpty()
              ? Slowness.measured(settings, runner, writer::timed, original.get().methods(), layers)
              : Optional.empty());
    } catch (QuantException e) {
      return of(Optional.empty(), List.of(), Optional.of(e));
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

  /** {@return a report with the result of the run and of the gates} */
  public Report on(Report report, Gates gates) {
    List<Problem> all = new ArrayList<>(report.problems());
    all.addAll(problems);
    refusal.ifPresent(
        e -> all.add(Problem.error("run beside the original", String.valueOf(e.getMessage()), "")));
    run.ifPresent(
        r ->
            r.others().stream()
                .filter(m -> Slowness.isSlower(r, m))
                .forEach(m -> all.add(Slowness.warning(r, m, slowness))));
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

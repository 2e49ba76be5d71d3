package dev.monoquant.core;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.event.RecordedStage;
import dev.monoquant.core.open.InputOpener;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.open.OptionOwners;
import dev.monoquant.core.plan.LayerInference;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.RunResult;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.trial.ModelRunner;
import dev.monoquant.core.trial.ModelRunners;
import dev.monoquant.core.trial.RunJob;
import dev.monoquant.core.trial.Slowness;
import dev.monoquant.core.trial.TrustedCode;
import dev.monoquant.model.Layer;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.RunnableFile.Method;
import dev.monoquant.spi.TimedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Runs models of one architecture side by side, in turns. */
final class SideBySide {

  private SideBySide() {}

  /**
   * A model whose code was checked.
   *
   * @param candidate the checked file: in a directory, the engine might choose another one
   * @param methods the methods that it can be called by; empty if they are unknown
   * @param layers its layers, to infer inputs from; empty if its weights cannot be read
   * @param timed writes the copy that measures its layers; empty if it is not our output
   */
  private record Checked(
      RunJob.Candidate candidate,
      List<Method> methods,
      List<Layer> layers,
      Optional<TimedModel> timed) {

    static Checked of(
        Path model,
        Optional<RunnableFile> program,
        List<Layer> layers,
        Optional<TimedModel> timed) {
      return new Checked(
          new RunJob.Candidate(model.toString(), program.map(RunnableFile::file).orElse(model)),
          program.map(RunnableFile::methods).orElse(List.of()),
          layers,
          timed);
    }
  }

  static RunComparison run(Settings settings, List<Path> models) throws IOException {
    // A file that is run may be a temporary one of its source.
    List<Opened> open = new ArrayList<>();
    try {
      return run(settings, models, open);
    } finally {
      open.forEach(Opened::close);
    }
  }

  private static RunComparison run(Settings settings, List<Path> models, List<Opened> open)
      throws IOException {
    Checked reference = check(settings, models.get(0), open);
    List<RunJob.Candidate> candidates = new ArrayList<>();
    List<Optional<TimedModel>> timed = new ArrayList<>();
    candidates.add(reference.candidate());
    timed.add(reference.timed());
    for (Path other : models.subList(1, models.size())) {
      Checked checked =
          settings.trust()
              ? new Checked(
                  new RunJob.Candidate(other.toString(), other),
                  List.of(),
                  List.of(),
                  Optional.empty())
              : check(settings, other, open);
      candidates.add(checked.candidate());
      timed.add(checked.timed());
    }
    settings
        .progress()
        .update(Progress.Stage.RUNNING, 0, 0, Text.count(models.size(), "model") + " in turns");
    try (ModelRunner runner = ModelRunners.start(settings)) {
      RunComparison run =
          RecordedStage.during(
              Progress.Stage.RUNNING,
              models.get(0).toString(),
              0,
              () ->
                  runner.run(
                      candidates, reference.methods(), reference.layers(), RunJob.Purpose.COMPARE));
      return run.with(warnings(settings, runner, run, reference, timed));
    }
  }

  /** A warning for each model that is slower than the first, with the layers of the slowest. */
  private static List<Problem> warnings(
      Settings settings,
      ModelRunner runner,
      RunComparison run,
      Checked reference,
      List<Optional<TimedModel>> timed) {
    List<Integer> slower =
        IntStream.range(1, timed.size())
            .filter(i -> Slowness.isSlower(run, run.models().get(i)))
            .boxed()
            .sorted(Comparator.comparingDouble(i -> run.speedup(run.models().get(i))))
            .toList();
    Optional<Slowness> measured =
        slower.stream()
            .findFirst()
            .flatMap(timed::get)
            .flatMap(
                model ->
                    Slowness.measured(
                        settings, runner, model, reference.methods(), reference.layers()));
    List<Problem> warnings = new ArrayList<>();
    for (int i = 0; i < slower.size(); i++) {
      RunResult model = run.models().get(slower.get(i));
      warnings.add(Slowness.warning(run, model, i == 0 ? measured : Optional.empty()));
    }
    return warnings;
  }

  private static Checked check(Settings settings, Path model, List<Opened> open) {
    ModelInput input = ModelInput.of(model);
    try {
      Opened opened = InputOpener.open(settings, input, settings.inputOptions());
      open.add(opened);
      OptionOwners.requireKnown(settings, opened);
      ModelInfo info = opened.source().info();
      Optional<RunnableFile> program = opened.source().find(RunnableFile.class);
      TrustedCode.require(settings, info.name(), program, RunJob.Purpose.COMPARE);
      return Checked.of(
          model,
          program,
          LayerInference.layers(info.tensors(), info, QuantizationConfig.DEFAULT),
          opened.source().find(TimedModel.class));
    } catch (ModelFormatException e) {
      if (e.reason() != Reason.UNSUPPORTED_TENSOR) {
        throw e;
      }
      // The weights of another quantizer, say: running needs none of them.
      Optional<RunnableFile> program = InputOpener.program(settings, input);
      if (program.isEmpty()) {
        throw e;
      }
      TrustedCode.require(settings, model.toString(), program, RunJob.Purpose.COMPARE);
      return Checked.of(model, program, List.of(), Optional.empty());
    }
  }
}

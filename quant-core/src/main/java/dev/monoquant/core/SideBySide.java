package dev.monoquant.core;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.event.RecordedStage;
import dev.monoquant.core.open.InputOpener;
import dev.monoquant.core.open.InputOpener.Opened;
import dev.monoquant.core.open.OptionOwners;
import dev.monoquant.core.plan.LayerInference;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.trial.ModelRunner;
import dev.monoquant.core.trial.ModelRunners;
import dev.monoquant.core.trial.RunJob;
import dev.monoquant.core.trial.TrustedCode;
import dev.monoquant.model.Layer;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.RunnableFile;
import dev.monoquant.spi.RunnableFile.Method;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Runs models of one architecture side by side, in turns. */
final class SideBySide {

  private SideBySide() {}

  /**
   * A model whose code was checked.
   *
   * @param candidate the checked file: in a directory, the engine might choose another one
   * @param methods the methods that it can be called by; empty if they are unknown
   * @param layers its layers, to infer inputs from; empty if its weights cannot be read
   */
  private record Checked(RunJob.Candidate candidate, List<Method> methods, List<Layer> layers) {

    static Checked of(Path model, Optional<RunnableFile> program, List<Layer> layers) {
      return new Checked(
          new RunJob.Candidate(model.toString(), program.map(RunnableFile::file).orElse(model)),
          program.map(RunnableFile::methods).orElse(List.of()),
          layers);
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
    candidates.add(reference.candidate());
    for (Path other : models.subList(1, models.size())) {
      candidates.add(
          settings.trust()
              ? new RunJob.Candidate(other.toString(), other)
              : check(settings, other, open).candidate());
    }
    settings
        .progress()
        .update(Progress.Stage.RUNNING, 0, 0, Text.count(models.size(), "model") + " in turns");
    try (ModelRunner runner = ModelRunners.start(settings)) {
      return RecordedStage.during(
          Progress.Stage.RUNNING,
          models.get(0).toString(),
          0,
          () ->
              runner.run(
                  candidates, reference.methods(), reference.layers(), RunJob.Purpose.COMPARE));
    }
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
          model, program, LayerInference.layers(info.tensors(), info, QuantizationConfig.DEFAULT));
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
      return Checked.of(model, program, List.of());
    }
  }
}

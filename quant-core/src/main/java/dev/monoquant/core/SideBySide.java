package dev.monoquant.core;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.Progress;
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
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.RunnableFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs models of one architecture side by side, in turns. */
final class SideBySide {

  private SideBySide() {}

  static RunComparison run(Settings settings, List<Path> models) throws IOException {
    try (Opened opened = openRunnable(settings, models.get(0))) {
      ModelSource source = opened.source();
      List<RunJob.Candidate> candidates = new ArrayList<>();
      candidates.add(candidate(models.get(0), opened));
      for (Path other : models.subList(1, models.size())) {
        if (settings.trust()) {
          candidates.add(new RunJob.Candidate(other.toString(), other));
        } else {
          try (Opened also = openRunnable(settings, other)) {
            candidates.add(candidate(other, also));
          }
        }
      }
      settings
          .progress()
          .update(Progress.Stage.RUNNING, 0, 0, Text.count(models.size(), "model") + " in turns");
      try (ModelRunner runner = ModelRunners.start(settings)) {
        return runner.run(
            candidates,
            source.find(RunnableFile.class).map(RunnableFile::inputs).orElse(List.of()),
            LayerInference.layers(
                source.info().tensors(), source.info(), QuantizationConfig.DEFAULT),
            RunJob.Purpose.COMPARE);
      }
    }
  }

  private static Opened openRunnable(Settings settings, Path model) {
    Opened opened = InputOpener.open(settings, ModelInput.of(model), settings.inputOptions());
    try {
      OptionOwners.requireKnown(settings, opened);
      TrustedCode.require(settings, opened.source(), RunJob.Purpose.COMPARE);
      return opened;
    } catch (RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  /** Runs the checked file: in a directory, the engine might choose another one. */
  private static RunJob.Candidate candidate(Path model, Opened opened) {
    Path file = opened.source().find(RunnableFile.class).map(RunnableFile::file).orElse(model);
    return new RunJob.Candidate(model.toString(), file);
  }
}

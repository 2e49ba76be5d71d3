package dev.monoquant.core;

import dev.monoquant.Problem;
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
 * An output that can be run is run, beside the original, before anybody accepts it.
 *
 * @param run what came of it; empty if nothing was run
 * @param warnings what the user should know
 */
record Trial(Optional<RunComparison> run, List<Problem> warnings) {

  private static final Trial NONE = new Trial(Optional.empty(), List.of());

  Trial {
    warnings = List.copyOf(warnings);
  }

  /**
   * Completes an output and tries it.
   *
   * @param source the original
   * @param layers its layers, which tell what it might be called with
   * @param sink has got everything, and is not committed
   * @param target what the output will be called
   * @throws dev.monoquant.ValidationException if the output does not run, or is too far from the
   *     original
   */
  static Trial of(
      Settings settings, ModelSource source, List<Layer> layers, OutputWriter sink, Path target)
      throws IOException {
    if (!settings.running()) {
      return NONE;
    }
    Optional<Path> made = sink.finish();
    if (made.isEmpty()) {
      return NONE;
    }
    Optional<RunnableFile> original = source.runnable();
    if (original.isEmpty()) {
      return new Trial(
          Optional.empty(),
          List.of(
              Problem.warning(
                  target.toString(),
                  "it was accepted without being run: its input, as it was read, has nothing that"
                      + " runs to compare it with",
                  "run both yourself, or read the input in a format that tells its file")));
    }
    settings.progress().update(Progress.Stage.RUNNING, 0, 0, target.toString());
    RunComparison run =
        Race.run(
            settings,
            List.of(
                new Race.Entrant(source.name(), original.get().file()),
                new Race.Entrant(target.toString(), made.get())),
            original.get().inputs(),
            layers);
    run.requireClose(settings.minCosine());
    return new Trial(Optional.of(run), List.of());
  }

  /** {@return a report with what came of it} */
  Report on(Report report) {
    List<Problem> all = new ArrayList<>(report.warnings());
    all.addAll(warnings);
    Report told = new Report(report.plan(), report.weights(), all);
    return run.map(told::withRun).orElse(told);
  }
}

package dev.monoquant.testkit.laws;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.Repeatable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A detector and a model of its format.
 *
 * @param detector the subject
 * @param model a valid file, a directory of files, or a live object
 */
public record SourceCase(InputFormatDetector detector, ModelInput model) implements Repeatable {

  ModelSource open() throws IOException {
    return open(OptionValues.DEFAULTS);
  }

  ModelSource open(OptionValues options) throws IOException {
    return detector.open(model, ReadLimits.DEFAULT, options);
  }

  ModelSource open(Path other) throws IOException {
    return detector.open(ModelInput.of(other), ReadLimits.DEFAULT, OptionValues.DEFAULTS);
  }

  /** The path of the model; empty for a live object. */
  Optional<Path> path() {
    return model instanceof ModelInput.OfPath of ? Optional.of(of.path()) : Optional.empty();
  }

  /** {@return the expression; the model is called {@code sample(folder)} there} */
  @Override
  public String expression() {
    return "new SourceCase(%s, sample(folder))".formatted(Repeatable.creation(detector));
  }

  @Override
  public String toString() {
    return "%s (%s) on %s"
        .formatted(detector.id(), detector.getClass().getName(), model.describe());
  }
}

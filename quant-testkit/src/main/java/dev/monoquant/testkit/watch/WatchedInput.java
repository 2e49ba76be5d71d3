package dev.monoquant.testkit.watch;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.TensorSource;
import java.io.IOException;

/** An input format, watched. */
final class WatchedInput implements InputFormatDetector {

  private final InputFormatDetector inside;
  private final Watch watch;

  WatchedInput(InputFormatDetector inside, Watch watch) {
    this.inside = inside;
    this.watch = watch;
  }

  @Override
  public String id() {
    return inside.id();
  }

  @Override
  public Match probe(ModelInput input) {
    try {
      return inside.probe(input);
    } catch (RuntimeException e) {
      watch.note("input " + id(), "looking at " + input.describe() + " throws " + e);
      throw e;
    }
  }

  @Override
  public TensorSource open(ModelInput input, ReadLimits limits) throws IOException {
    return new WatchedSource(inside.open(input, limits), "input " + id(), watch);
  }
}

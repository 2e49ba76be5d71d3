package dev.monoquant.testkit.watch;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.testkit.fakes.ForwardingDetector;

/** Records breaches of the protocol by an input format. */
final class WatchedInput extends ForwardingDetector {

  private final Breaches breaches;

  WatchedInput(InputFormatDetector inside, Breaches breaches) {
    super(inside);
    this.breaches = breaches;
  }

  @Override
  public Match probe(ModelInput input) {
    try {
      return super.probe(input);
    } catch (RuntimeException e) {
      breaches.note("input " + id(), "looking at " + input.describe() + " throws " + e);
      throw e;
    }
  }

  @Override
  protected ModelSource opened(ModelSource source) {
    return new WatchedSource(source, "input " + id(), breaches);
  }
}

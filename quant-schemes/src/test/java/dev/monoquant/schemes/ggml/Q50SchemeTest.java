package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.SchemeContract;

class Q50SchemeTest implements SchemeContract {

  @Override
  public Scheme subject() {
    return new Q50Scheme();
  }

  /** A block of zeros has the scale 0, as in ggml. */
  @Override
  public boolean allowsZeroScales() {
    return true;
  }

  /** Halves go up, or away from zero. */
  @Override
  public boolean roundsToEven() {
    return false;
  }
}

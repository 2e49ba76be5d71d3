package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.SchemeContract;

class Q6KSchemeTest implements SchemeContract {

  @Override
  public Scheme subject() {
    return new Q6KScheme();
  }

  @Override
  public int colMultiple() {
    return 256;
  }

  @Override
  public int maxCols() {
    return 512;
  }

  @Override
  public int maxRows() {
    return 6;
  }

  /** A block of zeros has the scale 0, as in ggml. */
  @Override
  public boolean allowsZeroScales() {
    return true;
  }

  /** The scale that is divided by is rounded before; ties are those of the quotient. */
  @Override
  public boolean roundsToEven() {
    return false;
  }
}

package dev.monoquant.schemes;

import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.SchemeContract;

class Float16SchemeTest implements SchemeContract {
  @Override
  public Scheme subject() {
    return new Float16Scheme();
  }

  @Override
  public boolean computesBothWays() {
    return true;
  }
}

package dev.monoquant.schemes;

import dev.monoquant.spi.Scheme;

class Int7SchemeTest implements IntegerContract {
  @Override
  public Scheme subject() {
    return new Int7Scheme();
  }
}

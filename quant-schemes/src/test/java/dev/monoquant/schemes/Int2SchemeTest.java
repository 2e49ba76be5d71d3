package dev.monoquant.schemes;

import dev.monoquant.spi.Scheme;

class Int2SchemeTest implements IntegerContract {
  @Override
  public Scheme subject() {
    return new Int2Scheme();
  }
}

package dev.monoquant.schemes;

import dev.monoquant.spi.Scheme;

class Int3SchemeTest implements IntegerContract {
  @Override
  public Scheme subject() {
    return new Int3Scheme();
  }
}

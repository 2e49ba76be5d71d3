package dev.monoquant.schemes;

import dev.monoquant.spi.Scheme;

class Int5SchemeTest implements IntegerContract {
  @Override
  public Scheme subject() {
    return new Int5Scheme();
  }
}

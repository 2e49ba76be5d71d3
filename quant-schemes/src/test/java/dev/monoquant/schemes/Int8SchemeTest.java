package dev.monoquant.schemes;

import dev.monoquant.spi.Scheme;

class Int8SchemeTest implements IntegerContract {
  @Override
  public Scheme subject() {
    return new Int8Scheme();
  }
}

package dev.monoquant.schemes;

import dev.monoquant.spi.Scheme;

class Int4SchemeTest implements IntegerContract {
  @Override
  public Scheme subject() {
    return new Int4Scheme();
  }
}

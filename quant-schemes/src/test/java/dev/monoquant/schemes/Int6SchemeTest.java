package dev.monoquant.schemes;

import dev.monoquant.spi.Scheme;

class Int6SchemeTest implements IntegerContract {
  @Override
  public Scheme subject() {
    return new Int6Scheme();
  }
}

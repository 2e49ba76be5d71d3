package dev.monoquant.schemes;

import dev.monoquant.spi.Scheme;

class Mxfp8SchemeTest implements FloatContract {
  @Override
  public Scheme subject() {
    return new Mxfp8Scheme();
  }
}

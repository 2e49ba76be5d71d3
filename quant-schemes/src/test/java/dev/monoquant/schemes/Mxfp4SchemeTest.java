package dev.monoquant.schemes;

import dev.monoquant.spi.Scheme;

class Mxfp4SchemeTest implements FloatContract {
  @Override
  public Scheme subject() {
    return new Mxfp4Scheme();
  }
}

package dev.monoquant.schemes;

import dev.monoquant.spi.Scheme;

class Nvfp4SchemeTest implements FloatContract {
  @Override
  public Scheme subject() {
    return new Nvfp4Scheme();
  }
}

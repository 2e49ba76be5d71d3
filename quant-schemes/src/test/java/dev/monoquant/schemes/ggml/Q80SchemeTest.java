package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class Q80SchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new Q80Scheme();
  }
}

package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class Q40SchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new Q40Scheme();
  }
}

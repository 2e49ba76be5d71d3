package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class Q50SchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new Q50Scheme();
  }
}

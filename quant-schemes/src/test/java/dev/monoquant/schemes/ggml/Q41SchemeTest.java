package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class Q41SchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new Q41Scheme();
  }
}

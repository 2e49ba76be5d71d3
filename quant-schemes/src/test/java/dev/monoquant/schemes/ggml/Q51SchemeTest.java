package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class Q51SchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new Q51Scheme();
  }
}

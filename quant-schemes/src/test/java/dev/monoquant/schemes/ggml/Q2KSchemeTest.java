package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class Q2KSchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new Q2KScheme();
  }

  @Override
  public int colMultiple() {
    return 256;
  }
}

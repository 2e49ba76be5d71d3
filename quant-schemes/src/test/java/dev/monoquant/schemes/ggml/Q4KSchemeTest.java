package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class Q4KSchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new Q4KScheme();
  }

  @Override
  public int colMultiple() {
    return 256;
  }
}

package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class Q3KSchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new Q3KScheme();
  }

  @Override
  public int colMultiple() {
    return 256;
  }
}

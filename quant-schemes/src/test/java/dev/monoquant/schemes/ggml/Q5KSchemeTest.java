package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class Q5KSchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new Q5KScheme();
  }

  @Override
  public int colMultiple() {
    return 256;
  }
}

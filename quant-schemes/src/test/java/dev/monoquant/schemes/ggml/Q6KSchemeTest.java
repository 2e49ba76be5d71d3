package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class Q6KSchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new Q6KScheme();
  }

  @Override
  public int colMultiple() {
    return 256;
  }
}

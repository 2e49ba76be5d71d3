package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class Iq4XsSchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new Iq4XsScheme();
  }

  @Override
  public int colMultiple() {
    return 256;
  }
}

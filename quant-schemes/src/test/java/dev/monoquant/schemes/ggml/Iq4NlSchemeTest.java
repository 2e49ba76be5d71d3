package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class Iq4NlSchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new Iq4NlScheme();
  }
}

package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class GgmlNvfp4SchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new GgmlNvfp4Scheme();
  }

  @Override
  public int colMultiple() {
    return 64;
  }
}

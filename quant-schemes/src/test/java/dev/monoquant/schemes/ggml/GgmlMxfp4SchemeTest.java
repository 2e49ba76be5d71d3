package dev.monoquant.schemes.ggml;

import dev.monoquant.spi.Scheme;

class GgmlMxfp4SchemeTest implements GgmlContract {

  @Override
  public Scheme subject() {
    return new GgmlMxfp4Scheme();
  }
}

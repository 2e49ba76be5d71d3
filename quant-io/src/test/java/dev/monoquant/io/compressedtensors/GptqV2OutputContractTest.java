package dev.monoquant.io.compressedtensors;

import dev.monoquant.spi.OutputFormat;

class GptqV2OutputContractTest extends GptqOutputContractTest {
  @Override
  public OutputFormat subject() {
    return new GptqV2Output();
  }
}

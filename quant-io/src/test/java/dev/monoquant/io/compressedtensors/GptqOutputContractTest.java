package dev.monoquant.io.compressedtensors;

import dev.monoquant.model.ElementType;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputFormat;
import java.util.List;

class GptqOutputContractTest implements NamedOutput {
  @Override
  public OutputFormat subject() {
    return new GptqOutput();
  }

  @Override
  public List<EncodedWeight> weights() {
    ElementType type = ElementType.FLOAT16;
    return List.of(
        NamedOutput.weight("a.fc", type, 32, 64, NamedOutput.integers(3, type, 32, true)),
        NamedOutput.weight("b.fc", type, 64, 96, NamedOutput.integers(3, type, 32, true)));
  }
}

package dev.monoquant.io.compressedtensors;

import dev.monoquant.model.ElementType;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputFormat;
import java.util.List;

class AwqOutputContractTest implements NamedOutput {
  @Override
  public OutputFormat subject() {
    return new AwqOutput();
  }

  @Override
  public List<EncodedWeight> weights() {
    ElementType type = ElementType.BFLOAT16;
    return List.of(
        NamedOutput.weight("a.fc", type, 8, 12, NamedOutput.integers(4, type, 4, true)),
        NamedOutput.weight("b.fc", type, 16, 8, NamedOutput.integers(4, type, 4, true)));
  }
}

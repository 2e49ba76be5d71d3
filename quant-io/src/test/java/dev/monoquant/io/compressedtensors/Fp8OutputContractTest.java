package dev.monoquant.io.compressedtensors;

import dev.monoquant.model.ElementType;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputFormat;
import java.util.List;

class Fp8OutputContractTest implements NamedOutput {
  @Override
  public OutputFormat subject() {
    return new Fp8Output();
  }

  @Override
  public List<EncodedWeight> weights() {
    ElementType type = ElementType.FLOAT32;
    return List.of(
        NamedOutput.weight("a.fc", type, 4, 6, NamedOutput.blocks(type, 2, 2)),
        NamedOutput.weight("b.fc", type, 8, 4, NamedOutput.blocks(type, 2, 2)));
  }
}

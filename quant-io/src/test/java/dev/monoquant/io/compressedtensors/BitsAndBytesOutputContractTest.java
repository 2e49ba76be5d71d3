package dev.monoquant.io.compressedtensors;

import dev.monoquant.model.ElementType;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputFormat;
import java.util.List;

class BitsAndBytesOutputContractTest implements NamedOutput {
  @Override
  public OutputFormat subject() {
    return new BitsAndBytesOutput();
  }

  @Override
  public List<EncodedWeight> weights() {
    return List.of(
        NamedOutput.nf4("a.fc", ElementType.FLOAT32, 3, 8, 4),
        NamedOutput.nf4("b.fc", ElementType.BFLOAT16, 5, 4, 4));
  }
}

package dev.monoquant.io.compressedtensors;

import dev.monoquant.model.ElementType;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputFormat;
import java.util.List;

class ModelOptOutputContractTest implements NamedOutput {
  @Override
  public OutputFormat subject() {
    return new ModelOptOutput();
  }

  @Override
  public List<EncodedWeight> weights() {
    return List.of(
        NamedOutput.nvfp4("a.fc", ElementType.BFLOAT16, 3, 32),
        NamedOutput.nvfp4("b.fc", ElementType.BFLOAT16, 5, 16));
  }
}

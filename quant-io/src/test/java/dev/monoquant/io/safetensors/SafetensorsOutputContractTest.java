package dev.monoquant.io.safetensors;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.testkit.contracts.OutputFormatContract;
import java.util.Optional;

class SafetensorsOutputContractTest implements OutputFormatContract {
  @Override
  public OutputFormat subject() {
    return new SafetensorsOutput();
  }

  @Override
  public String targetName() {
    return "out.safetensors";
  }

  @Override
  public Optional<InputFormatDetector> reader() {
    return Optional.of(new SafetensorsFormat());
  }
}

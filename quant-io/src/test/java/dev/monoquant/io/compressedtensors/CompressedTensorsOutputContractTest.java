package dev.monoquant.io.compressedtensors;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.testkit.contracts.OutputFormatContract;
import dev.monoquant.testkit.data.EncodedSamples;
import java.util.List;
import java.util.Optional;

class CompressedTensorsOutputContractTest implements OutputFormatContract {
  @Override
  public OutputFormat subject() {
    return new CompressedTensorsOutput();
  }

  @Override
  public String targetName() {
    return "out";
  }

  @Override
  public List<EncodedWeight> weights() {
    return EncodedSamples.varied();
  }

  @Override
  public Optional<InputFormatDetector> reader() {
    return Optional.of(new CompressedTensorsFormat());
  }

  @Override
  public boolean resumes() {
    return true;
  }
}

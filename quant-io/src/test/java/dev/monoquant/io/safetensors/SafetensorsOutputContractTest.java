package dev.monoquant.io.safetensors;

import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.testkit.contracts.OutputFormatContract;
import dev.monoquant.testkit.data.EncodedSamples;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

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
  public List<EncodedWeight> weights() {
    return Stream.of(EncodedSamples.varied(), EncodedSamples.shapes())
        .flatMap(List::stream)
        .toList();
  }

  @Override
  public Optional<InputFormatDetector> reader() {
    return Optional.of(new SafetensorsFormat());
  }
}

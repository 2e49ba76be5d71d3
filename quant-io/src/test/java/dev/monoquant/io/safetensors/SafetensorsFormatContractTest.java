package dev.monoquant.io.safetensors;

import dev.monoquant.io.testing.SmallModels;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.testkit.contracts.InputFormatDetectorContract;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

class SafetensorsFormatContractTest implements InputFormatDetectorContract {
  @Override
  public InputFormatDetector subject() {
    return new SafetensorsFormat();
  }

  @Override
  public ModelInput sample(Path folder) throws IOException {
    return SmallModels.written(new SafetensorsOutput(), folder.resolve("small.safetensors"));
  }

  @Override
  public Map<String, byte[]> truth() {
    return SmallModels.truth();
  }

  @Override
  public boolean usesArrays() {
    return true;
  }
}

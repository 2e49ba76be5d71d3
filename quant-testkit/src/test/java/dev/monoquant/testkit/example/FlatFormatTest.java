package dev.monoquant.testkit.example;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.testkit.contracts.InputFormatDetectorContract;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

class FlatFormatTest implements InputFormatDetectorContract {
  @Override
  public InputFormatDetector subject() {
    return new FlatFormat();
  }

  @Override
  public ModelInput sample(Path folder) throws IOException {
    return ModelInput.of(FlatFormat.write(folder.resolve("sample.flat")));
  }

  @Override
  public Map<String, byte[]> truth() {
    return FlatFormat.truth();
  }

  @Override
  public boolean usesArrays() {
    return true;
  }
}

package dev.monoquant.io.exported;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.testkit.contracts.InputFormatDetectorContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

class ExportedProgramContractTest implements InputFormatDetectorContract {

  @Override
  public InputFormatDetector subject() {
    return new ExportedProgramFormat();
  }

  @Override
  public ModelInput sample(Path folder) throws IOException {
    return ModelInput.of(
        Files.write(folder.resolve("model.pt2"), new ExportedText().zip().build()));
  }

  @Override
  public Map<String, byte[]> truth() {
    return Map.of("fc.weight", ExportedText.bytes(48), "fc.bias", ExportedText.bytes(12));
  }
}

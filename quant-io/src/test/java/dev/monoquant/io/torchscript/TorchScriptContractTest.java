package dev.monoquant.io.torchscript;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.testkit.contracts.InputFormatDetectorContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class TorchScriptContractTest implements InputFormatDetectorContract {

  @Override
  public InputFormatDetector subject() {
    return new TorchScriptFormat();
  }

  @Override
  public ModelInput sample(Path folder) throws IOException {
    String name = "/torch-corpus/torchscript/ts_ok_traced_constant.pt";
    try (var in = TorchScriptContractTest.class.getResourceAsStream(name)) {
      return ModelInput.of(Files.write(folder.resolve("sample.pt"), in.readAllBytes()));
    }
  }
}

package dev.monoquant.io.gguf;

import dev.monoquant.files.testing.GgufText;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.testkit.contracts.InputFormatDetectorContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

class GgufFormatContractTest implements InputFormatDetectorContract {

  private static final byte[] PLAIN = {0, 0, 1, 63, 5, 6, 7, 64};

  @Override
  public InputFormatDetector subject() {
    return new GgufFormat();
  }

  @Override
  public ModelInput sample(Path folder) throws IOException {
    byte[] bytes =
        new GgufText()
            .value("general.architecture", "llama")
            .tensor("blk.0.attn_norm.weight", 0, PLAIN, 2)
            .tensor("blk.0.attn_q.weight", 2, new byte[36], 32, 2)
            .build();
    return ModelInput.of(Files.write(folder.resolve("model.gguf"), bytes));
  }

  @Override
  public Map<String, byte[]> truth() {
    return Map.of("blk.0.attn_norm.weight", PLAIN);
  }
}

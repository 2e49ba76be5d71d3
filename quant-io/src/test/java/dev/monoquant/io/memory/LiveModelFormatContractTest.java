package dev.monoquant.io.memory;

import ai.djl.ndarray.NDManager;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.testkit.contracts.InputFormatDetectorContract;
import dev.monoquant.testkit.data.LiveInputs;
import java.nio.file.Path;
import java.util.Map;
import net.jqwik.api.lifecycle.AfterTry;

class LiveModelFormatContractTest implements InputFormatDetectorContract {

  private final NDManager manager = NDManager.newBaseManager();

  @AfterTry
  void close() {
    manager.close();
  }

  @Override
  public InputFormatDetector subject() {
    return new LiveModelFormat();
  }

  @Override
  public ModelInput sample(Path folder) {
    return LiveInputs.sound(manager);
  }

  @Override
  public Map<String, byte[]> truth() {
    return LiveInputs.truth();
  }

  @Override
  public boolean usesArrays() {
    return true;
  }
}

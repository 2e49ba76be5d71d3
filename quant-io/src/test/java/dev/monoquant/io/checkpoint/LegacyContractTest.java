package dev.monoquant.io.checkpoint;

import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.file.Path;

class LegacyContractTest extends CheckpointContract {

  @Override
  public ModelInput sample(Path folder) throws IOException {
    return ModelInput.of(resource("/torch-oracle/legacy_types.pth", folder));
  }
}

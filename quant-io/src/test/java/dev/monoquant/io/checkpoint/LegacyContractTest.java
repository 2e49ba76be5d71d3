package dev.monoquant.io.checkpoint;

import java.io.IOException;
import java.nio.file.Path;

class LegacyContractTest extends CheckpointContract {

  @Override
  public Path sample(Path folder) throws IOException {
    return resource("/torch-oracle/legacy_types.pth", folder);
  }
}

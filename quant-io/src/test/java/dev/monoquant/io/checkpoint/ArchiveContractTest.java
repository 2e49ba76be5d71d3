package dev.monoquant.io.checkpoint;

import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class ArchiveContractTest extends CheckpointContract {

  @Override
  public ModelInput sample(Path folder) throws IOException {
    return ModelInput.of(Files.write(folder.resolve("sample"), archive(true)));
  }
}

package dev.monoquant.io.checkpoint;

import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Without checksums, damage gets deeper: into the pickle, the types, the views. */
class UncheckedArchiveContractTest extends CheckpointContract {

  @Override
  public ModelInput sample(Path folder) throws IOException {
    return ModelInput.of(Files.write(folder.resolve("sample.pt"), archive(false)));
  }
}

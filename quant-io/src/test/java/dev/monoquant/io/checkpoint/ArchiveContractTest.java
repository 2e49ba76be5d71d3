package dev.monoquant.io.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class ArchiveContractTest extends CheckpointContract {

  @Override
  public Path sample(Path folder) throws IOException {
    return Files.write(folder.resolve("sample"), archive(true));
  }
}

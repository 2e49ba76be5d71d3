package dev.monoquant.io.torchscript;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A temporary file with the program of an archive as it was moved to the CPU, made when it is first
 * asked for and deleted by {@link #close}. The engine would not load the original. Thread-safe.
 */
final class HostCopy implements Closeable {

  private final ScriptArchive archive;
  private @Nullable Path folder;

  HostCopy(ScriptArchive archive) {
    this.archive = archive;
  }

  /** {@return the file} */
  synchronized Path file() {
    try {
      if (folder == null) {
        folder = Files.createTempDirectory("monoquant-");
        ProgramCopy.write(archive, archive.program(), folder.resolve("model.pt"));
      }
      return folder.resolve("model.pt");
    } catch (IOException e) {
      throw new UncheckedIOException(
          archive.label() + ": its copy for the CPU cannot be written: " + e.getMessage(), e);
    }
  }

  @Override
  public synchronized void close() throws IOException {
    if (folder != null) {
      Files.deleteIfExists(folder.resolve("model.pt"));
      Files.deleteIfExists(folder);
      folder = null;
    }
  }
}

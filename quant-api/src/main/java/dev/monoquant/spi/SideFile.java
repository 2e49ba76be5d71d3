package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file of a model directory without tensors, such as {@code tokenizer.json}.
 *
 * @param name its name relative to the directory, with forward slashes
 * @param path its location
 */
public record SideFile(String name, Path path) {

  /** Checks that nothing is null. */
  public SideFile {
    requireNonNull(name, "name");
    requireNonNull(path, "path");
  }

  /** {@return its size now; 0 if it is not there} */
  public long bytes() {
    try {
      return Files.size(path);
    } catch (IOException gone) {
      return 0;
    }
  }
}

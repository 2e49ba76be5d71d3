package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.List;

/**
 * A file that the engine loads and runs: the program of a model together with its weights.
 *
 * @param file the file; there until the source that gave it is closed
 * @param inputs the names of what it is called with, in order; empty if they are not known
 */
public record RunnableFile(Path file, List<String> inputs) {

  /** Copies the list. */
  public RunnableFile {
    requireNonNull(file, "file");
    inputs = List.copyOf(inputs);
  }
}

package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.List;

/**
 * A file that the engine loads and runs: the code of a model with its weights.
 *
 * @param file the file; it exists until the source that returned it is closed
 * @param inputs the names of the model's inputs, in order; empty if they are unknown
 */
public record RunnableFile(Path file, List<String> inputs) {

  /** Copies the list. */
  public RunnableFile {
    requireNonNull(file, "file");
    inputs = List.copyOf(inputs);
  }
}

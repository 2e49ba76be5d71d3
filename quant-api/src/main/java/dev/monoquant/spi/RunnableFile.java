package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/**
 * A file that the engine loads and runs: the code of a model with its weights.
 *
 * @param place gives the file, and may make it at the first call; if a source returned it, it
 *     exists until that source is closed
 * @param inputs the names of the model's inputs, in order; empty if they are unknown
 * @param check looks at the code; asked before the file is run
 */
public record RunnableFile(Supplier<Path> place, List<String> inputs, Check check) {

  /** Tells whether code is known to do nothing but compute. */
  @FunctionalInterface
  public interface Check {

    /**
     * Looks at all code of the file, and runs none of it.
     *
     * @return what is not known to compute, such as an operator that writes files, each with its
     *     place in the file, without a final period; empty if there is none
     */
    List<String> findings();
  }

  /** Copies the list. */
  public RunnableFile {
    requireNonNull(place, "place");
    requireNonNull(check, "check");
    inputs = List.copyOf(inputs);
  }

  /** {@return the file} */
  public Path file() {
    return place.get();
  }
}

package dev.monoquant.spi;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A quantized model of which a copy can be written whose layers measure themselves. Of a file that
 * is read, found with {@link ModelSource#find}; of an output, {@link OutputWriter#timed}.
 */
@FunctionalInterface
public interface TimedModel {

  /**
   * Writes the copy.
   *
   * @param file the path of the copy, which does not exist yet; the caller deletes it
   * @return what the copy measures; empty if there is none
   * @throws IOException if writing fails
   */
  Optional<TimedCopy> timed(Path file) throws IOException;
}

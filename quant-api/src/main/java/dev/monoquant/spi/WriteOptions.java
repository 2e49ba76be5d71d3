package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;

/**
 * Where and how to write an output. The options do not affect the bytes of the output.
 *
 * @param target the file or directory to create
 * @param overwrite whether an existing output may be replaced
 * @param sync whether to flush to the disk before the output gets its final name; without it a
 *     power failure may lose the output, but a crash of the program cannot
 * @param resume whether to continue an interrupted run to this target
 */
public record WriteOptions(Path target, boolean overwrite, boolean sync, boolean resume) {

  /** Checks that the target is not null. */
  public WriteOptions {
    requireNonNull(target, "target");
  }
}

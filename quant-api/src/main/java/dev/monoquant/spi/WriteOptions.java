package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;

/**
 * Where an output is written, and how. The bytes of the output do not depend on it.
 *
 * @param target the file or directory to make
 * @param overwrite whether an existing output may be replaced
 * @param sync whether to flush to the disk before the output gets its name; without, a power cut
 *     may lose it, a crash of the program still cannot
 * @param resume whether to go on with what an interrupted run to this target has finished
 */
public record WriteOptions(Path target, boolean overwrite, boolean sync, boolean resume) {

  /** Checks that there is a target. */
  public WriteOptions {
    requireNonNull(target, "target");
  }
}

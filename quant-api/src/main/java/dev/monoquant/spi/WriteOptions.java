package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Where and how to write an output. The options do not affect the bytes of the output.
 *
 * @param target the file or directory to create
 * @param overwrite whether an existing output may be replaced
 * @param sync whether to flush to the disk before the output gets its final name; without it a
 *     power failure may lose the output, but a crash of the program cannot
 * @param resume whether to continue an interrupted run to this target
 * @param share what the run does of an output that several runs write together; empty if it writes
 *     all of it
 */
public record WriteOptions(
    Path target, boolean overwrite, boolean sync, boolean resume, Optional<OutputShare> share) {

  /** Checks that nothing is null. */
  public WriteOptions {
    requireNonNull(target, "target");
    requireNonNull(share, "share");
  }

  /**
   * Makes options of a run that writes all of an output.
   *
   * @param target the file or directory to create
   * @param overwrite whether an existing output may be replaced
   * @param sync whether to flush to the disk
   * @param resume whether to continue an interrupted run to this target
   */
  public WriteOptions(Path target, boolean overwrite, boolean sync, boolean resume) {
    this(target, overwrite, sync, resume, Optional.empty());
  }
}

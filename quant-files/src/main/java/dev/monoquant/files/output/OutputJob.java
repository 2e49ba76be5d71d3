package dev.monoquant.files.output;

import static java.util.Objects.requireNonNull;

import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.WriteOptions;

/**
 * An output to write: its source, contents and target.
 *
 * @param source the model to read; its files are never written
 * @param contents the contents of the output
 * @param options the target and the write options
 */
public record OutputJob(ModelSource source, OutputContents contents, WriteOptions options) {

  /** Checks that no field is null. */
  public OutputJob {
    requireNonNull(source, "source");
    requireNonNull(contents, "contents");
    requireNonNull(options, "options");
  }
}

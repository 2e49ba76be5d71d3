package dev.monoquant.files.output;

import static java.util.Objects.requireNonNull;

import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.WriteOptions;

/**
 * An output that is to be made: of what, with what in it, and where.
 *
 * @param source the model that is read; its files are never written
 * @param contents what the output holds
 * @param options where to, and how
 */
public record OutputJob(ModelSource source, OutputContents contents, WriteOptions options) {

  /** Checks that nothing is null. */
  public OutputJob {
    requireNonNull(source, "source");
    requireNonNull(contents, "contents");
    requireNonNull(options, "options");
  }
}

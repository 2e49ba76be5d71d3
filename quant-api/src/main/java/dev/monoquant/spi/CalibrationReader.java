package dev.monoquant.spi;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Recognises and opens files of {@link Calibration}.
 *
 * <p>What this does not do: it does not run models. Stateless and thread-safe.
 */
public interface CalibrationReader {

  /** {@return the id, such as {@code calibration}; third parties use {@code vendor/name}} */
  String id();

  /**
   * Checks whether a file looks like this format. Has no side effects and never throws on foreign
   * bytes; a damaged file of this format should match, so that {@link #open} can report the damage.
   *
   * @param file a regular file
   * @return the strength of the evidence
   */
  Match probe(Path file);

  /**
   * Opens a file and checks its whole structure; values are read when they are needed.
   *
   * @param file a file that matched
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the open calibration; the caller closes it
   * @throws IOException if the file cannot be read
   * @throws dev.monoquant.ModelFormatException if the file is damaged, foreign or over a limit
   */
  Calibration open(Path file, ReadLimits limits) throws IOException;
}

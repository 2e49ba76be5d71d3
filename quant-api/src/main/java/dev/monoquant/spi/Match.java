package dev.monoquant.spi;

/**
 * The strength of a detector's evidence. It is not a priority: a tie between two detectors is an
 * error that names the option to resolve it.
 */
public enum Match {
  /**
   * The input is not of this format: it has a different magic number, or is a live object of
   * another kind.
   */
  NONE,
  /**
   * The input may be of this format, such as a matching file name with content that any format
   * could have.
   */
  POSSIBLE,
  /** The content matches, such as a plausible header, but other formats could have the same. */
  LIKELY,
  /** Only this format has such content, such as a magic number together with a matching header. */
  CERTAIN
}

package dev.monoquant.spi;

/**
 * How sure a detector is. Evidence, not priority: two detectors that are equally sure are a tie,
 * which is an error that names the option to resolve it.
 */
public enum Match {
  /** Not mine: a different magic number, a kind of live object that I do not read. */
  NONE,
  /** Nothing speaks against it, such as a fitting file name with content that could be anything. */
  POSSIBLE,
  /** The content fits, such as a plausible header, but others could write the same. */
  LIKELY,
  /** Only this format looks like that, such as a magic number together with a fitting header. */
  CERTAIN
}

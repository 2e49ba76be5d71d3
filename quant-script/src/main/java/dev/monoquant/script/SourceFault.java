package dev.monoquant.script;

/** Source that is not understood; what catches it decides whether that matters. */
final class SourceFault extends Exception {

  private static final long serialVersionUID = 1L;

  private final int offset;

  /**
   * Without a stack trace, which is not used: hostile source may have a fault in every line.
   *
   * @param message what was wrong
   * @param offset where in the file
   */
  SourceFault(String message, int offset) {
    super(message, null, false, false);
    this.offset = offset;
  }

  /** {@return where in the file} */
  int offset() {
    return offset;
  }
}

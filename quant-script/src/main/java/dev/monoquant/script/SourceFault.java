package dev.monoquant.script;

/** Source that cannot be parsed; the catching code decides whether this matters. */
final class SourceFault extends Exception {

  private static final long serialVersionUID = 1L;

  private final int offset;

  /**
   * Creates a fault without a stack trace, because hostile source may have a fault in every line.
   *
   * @param message what was wrong
   * @param offset the offset in the file
   */
  SourceFault(String message, int offset) {
    super(message, null, false, false);
    this.offset = offset;
  }

  /** {@return the offset in the file} */
  int offset() {
    return offset;
  }
}

package dev.monoquant.script;

/** Source that is not understood; what catches it decides whether that matters. */
public final class SourceFault extends Exception {

  private static final long serialVersionUID = 1L;

  private final int offset;

  SourceFault(String message, int offset) {
    super(message);
    this.offset = offset;
  }

  /** {@return where in the file} */
  int offset() {
    return offset;
  }
}

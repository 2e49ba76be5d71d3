package dev.monoquant.cli;

import java.io.PrintWriter;

/** Results on standard output, with a note of whether there are any. */
final class Printed extends PrintWriter {

  private boolean any;

  Printed(PrintWriter out) {
    super(out);
  }

  /** {@return whether anything was printed} */
  boolean any() {
    return any;
  }

  @Override
  public void write(int c) {
    any = true;
    super.write(c);
  }

  @Override
  public void write(char[] text, int from, int length) {
    any |= length > 0;
    super.write(text, from, length);
  }

  @Override
  public void write(String text, int from, int length) {
    any |= length > 0;
    super.write(text, from, length);
  }
}

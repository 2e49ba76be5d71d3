package dev.monoquant.cli;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Standard output that records whether data was lost.
 *
 * <p>A reader that closes the pipe early, such as {@code head}, is not counted as a loss.
 */
final class Results extends FilterOutputStream {

  private @Nullable IOException failure;

  Results(OutputStream out) {
    super(out);
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int from, int length) throws IOException {
    try {
      out.write(bytes, from, length);
    } catch (IOException e) {
      failure = e;
      throw e;
    }
  }

  boolean lost() {
    // The message is "Broken pipe" on Linux and macOS, "The pipe is being closed" on Windows.
    return failure != null && !why().toLowerCase(Locale.ROOT).contains("pipe");
  }

  String why() {
    return failure == null ? "" : String.valueOf(failure.getMessage());
  }
}

package dev.monoquant.files.input;

import java.io.Closeable;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Closes all resources of one owner. */
public final class Closing {

  private Closing() {}

  /**
   * Closes all resources, even after a failure.
   *
   * @param owned the resources, in the order of closing
   * @throws IOException the first failure, with the others suppressed
   */
  public static void all(Iterable<? extends Closeable> owned) throws IOException {
    @Nullable IOException first = null;
    for (Closeable one : owned) {
      try {
        one.close();
      } catch (IOException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}

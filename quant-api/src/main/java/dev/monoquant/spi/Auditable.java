package dev.monoquant.spi;

import java.io.IOException;

/**
 * A capability of a {@link ModelSource} whose files carry a manifest, see {@link ModelSource#find}.
 */
@FunctionalInterface
public interface Auditable {

  /**
   * Reads every file of the model again and compares it with the manifest. A difference is a part
   * of the result, not an exception.
   *
   * @return the counts and the differences
   * @throws IOException if reading fails
   */
  Audit audit() throws IOException;
}

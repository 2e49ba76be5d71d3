package dev.monoquant.spi;

import java.io.IOException;
import java.util.Set;

/**
 * A kind of place with files that are not on this machine, such as a web server. Found by {@code
 * ServiceLoader}; stateless and thread-safe.
 *
 * <p>What this does not do: it writes nothing, and it neither tries again nor keeps what it read.
 * That is done for all stores by the reader of their files.
 */
public interface RemoteStore {

  /** {@return the id of the store, such as {@code http}} */
  String id();

  /**
   * {@return the schemes of the locations that it reads, in lower case, such as {@code https}; not
   * {@code file}}
   */
  Set<String> schemes();

  /**
   * Opens a folder. Whether it exists need not be known yet.
   *
   * @param folder the folder; its scheme is one of this store
   * @param access how to access it
   * @return the open folder; the caller closes it
   * @throws IOException if it cannot be reached now
   * @throws dev.monoquant.QuantException if it can never be opened
   */
  RemoteFiles open(RemoteLocation folder, RemoteAccess access) throws IOException;
}

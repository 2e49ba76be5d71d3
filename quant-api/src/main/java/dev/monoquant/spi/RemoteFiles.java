package dev.monoquant.spi;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.util.List;
import java.util.Optional;

/**
 * An open folder of a {@link RemoteStore}. Thread-safe, except {@link #close}.
 *
 * <p>A method throws an {@link IOException} if another call may succeed, such as after a reset
 * connection, and a {@link dev.monoquant.QuantException} if it will not: access is denied, the file
 * changed. The message of the first says what failed and does not name the file, which the caller
 * adds; that of the second names {@link RemoteLocation#shown}. Neither has a secret.
 */
public interface RemoteFiles extends Closeable {

  /**
   * {@return the names of all files in this folder and in those below it, with forward slashes, in
   * any order; empty if the store cannot list}
   *
   * @throws IOException if listing fails
   */
  Optional<List<String>> list() throws IOException;

  /**
   * Finds a file.
   *
   * @param name its name relative to the folder, with forward slashes
   * @return what it is now; empty if there is no file of that name, as for a folder
   * @throws IOException if asking fails
   */
  Optional<RemoteFile> find(String name) throws IOException;

  /**
   * Reads a range of a file.
   *
   * @param file as {@link #find} returned it
   * @param offset the first byte
   * @param length the number of bytes, at least 1; the range lies within the file
   * @return gives these bytes and then ends; if it fails or ends before, what it gave so far is
   *     right. The caller closes it, perhaps before its end
   * @throws IOException if reading fails
   * @throws dev.monoquant.ModelFormatException if the file is not what {@code find} returned any
   *     more, in size, time or identity
   */
  ReadableByteChannel read(RemoteFile file, long offset, long length) throws IOException;
}

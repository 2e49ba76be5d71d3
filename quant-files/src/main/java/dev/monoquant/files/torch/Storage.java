package dev.monoquant.files.torch;

import java.io.IOException;
import java.nio.ByteBuffer;

/** The bytes of a storage, of which tensors are views. Thread-safe. */
public interface Storage {

  /** {@return its name in messages, such as {@code archive/data/0}} */
  String label();

  /** {@return its size in bytes} */
  long size();

  /** {@return whether its elements are big-endian} */
  boolean bigEndian();

  /**
   * Returns a part.
   *
   * @param offset the first byte
   * @param length the number of bytes
   * @return a read-only view of the mapped file, or a copy
   * @throws IOException if the file cannot be read
   * @throws dev.monoquant.ModelFormatException if a checksum shows that the storage is damaged
   */
  ByteBuffer slice(long offset, int length) throws IOException;
}

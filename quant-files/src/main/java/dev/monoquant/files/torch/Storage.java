package dev.monoquant.files.torch;

import java.io.IOException;
import java.nio.ByteBuffer;

/** The bytes of a storage, which tensors are views of. Thread-safe. */
public interface Storage {

  /** {@return what messages call it, such as {@code archive/data/0}} */
  String label();

  /** {@return its bytes} */
  long size();

  /** {@return whether its elements are big-endian} */
  boolean bigEndian();

  /**
   * Gives a piece.
   *
   * @param offset first byte
   * @param length bytes
   * @return a read-only view of the mapped file
   * @throws IOException if the file cannot be mapped
   * @throws dev.monoquant.ModelFormatException if a checksum shows that the storage is damaged
   */
  ByteBuffer slice(long offset, int length) throws IOException;
}

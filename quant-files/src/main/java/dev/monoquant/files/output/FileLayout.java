package dev.monoquant.files.output;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/**
 * The layout of a file before its regions are written: a header, then the regions in order, without
 * holes.
 *
 * <pre>
 * bytes 0 to H-1   the header, known before any number is read
 * bytes H to ...   region 0, region 1, ...
 * </pre>
 */
public interface FileLayout {

  /**
   * A byte range of the file, such as a tensor or a part of one.
   *
   * @param name its name, unique in the output
   * @param start the offset of its first byte in the file
   * @param length its length in bytes
   */
  record Region(String name, long start, long length) {}

  /** Takes bytes piece by piece. */
  @FunctionalInterface
  interface Pieces {
    /**
     * Takes the next bytes.
     *
     * @param bytes a piece, which may be consumed, and is valid only during the call
     * @throws IOException if they cannot be written
     */
    void take(ByteBuffer bytes) throws IOException;
  }

  /** {@return the bytes of the header, not to be changed} */
  byte[] headerBytes();

  /** {@return the number of bytes of the header} */
  default long headerLength() {
    return headerBytes().length;
  }

  /**
   * Passes on the bytes of {@link #headerBytes}. A layout whose header may be long implements this,
   * so that it is never in memory as a whole.
   *
   * @param out receives the pieces in order
   * @throws IOException if it does
   */
  default void header(Pieces out) throws IOException {
    out.take(ByteBuffer.wrap(headerBytes()));
  }

  /** {@return the regions in the order of the file} */
  List<Region> regions();

  /** {@return the size in bytes of the whole file} */
  default long fileBytes() {
    return headerLength() + regions().stream().mapToLong(Region::length).sum();
  }

  /**
   * Reads the finished file with the reader of the format and compares the result with this layout.
   * Called after the bytes of the file were compared with the written ones.
   *
   * @param file the file, closed, under its temporary name
   * @throws IOException if reading fails
   * @throws dev.monoquant.ValidationException if the result differs
   */
  default void check(Path file) throws IOException {}
}

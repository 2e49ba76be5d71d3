package dev.monoquant.files.output;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A file of which everything is known but the bytes of its regions: a header first, then the
 * regions one after the other, without holes.
 *
 * <pre>
 * bytes 0 to H-1   the header, known before any number is read
 * bytes H to ...   region 0, region 1, ...
 * </pre>
 */
public interface FileLayout {

  /**
   * A run of bytes of the file, such as a tensor or a part of one.
   *
   * @param name its name, unique in the output
   * @param start its first byte within the file
   * @param length its bytes
   */
  record Region(String name, long start, long length) {}

  /** {@return the bytes of the header, not a copy} */
  byte[] headerBytes();

  /** {@return the regions in the order of the file} */
  List<Region> regions();

  /** {@return bytes of the whole file} */
  default long fileBytes() {
    return headerBytes().length + regions().stream().mapToLong(Region::length).sum();
  }

  /**
   * Reads the finished file with the reader of the format and compares what that sees with what was
   * planned. Its bytes have been compared with those that were written before.
   *
   * @param file the file, closed and under its temporary name
   * @throws IOException if reading fails
   * @throws dev.monoquant.ValidationException if the reader sees anything else
   */
  default void check(Path file) throws IOException {}
}

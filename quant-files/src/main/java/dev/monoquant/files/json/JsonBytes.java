package dev.monoquant.files.json;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The bytes of a JSON text in UTF-8, of which a block at a time is read, so that a long text need
 * not be in memory. The bytes are the same each time.
 */
public interface JsonBytes {

  /** {@return the number of bytes} */
  int length();

  /**
   * Copies some bytes.
   *
   * @param from the first byte
   * @param into receives the bytes, from its start on
   * @param count the number of bytes
   */
  void get(int from, byte[] into, int count);

  /**
   * {@return the remaining bytes of a buffer}
   *
   * @param utf8 the bytes; not consumed
   */
  static JsonBytes of(ByteBuffer utf8) {
    ByteBuffer all = utf8.slice();
    return new JsonBytes() {
      @Override
      public int length() {
        return all.limit();
      }

      @Override
      public void get(int from, byte[] into, int count) {
        all.get(from, into, 0, count);
      }
    };
  }

  /**
   * {@return the bytes of a text; if it is ASCII, without a copy of the whole}
   *
   * @param text any text
   */
  static JsonBytes of(String text) {
    if (!TextPieces.isAscii(text)) {
      return of(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }
    return new JsonBytes() {
      @Override
      public int length() {
        return text.length();
      }

      @Override
      public void get(int from, byte[] into, int count) {
        byte[] some = text.substring(from, from + count).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(some, 0, into, 0, count);
      }
    };
  }
}

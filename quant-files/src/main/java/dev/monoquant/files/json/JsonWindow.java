package dev.monoquant.files.json;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The block of a JSON text that is being read. A byte of an array is read several times as fast as
 * one of a mapped file. Not thread-safe.
 */
final class JsonWindow {

  /** The bytes of a block. */
  static final int BLOCK = 1 << 13;

  /** The texts that are kept because the next one may be equal, such as the keys of entries. */
  private static final int KNOWN = 256;

  private static final int LONGEST_KNOWN = 32;

  private final JsonBytes text;
  private final int length;
  private final byte[] bytes;

  /** The range of the text in the array. */
  private int start;

  private int end;

  private final @Nullable String[] known = new @Nullable String[KNOWN];

  JsonWindow(JsonBytes text) {
    this.text = text;
    this.length = text.length();
    this.bytes = new byte[Math.min(BLOCK, length)];
  }

  /** {@return the array, of which the first {@link #size} bytes are in use} */
  byte[] bytes() {
    return bytes;
  }

  /** {@return the index of the first byte of the array in the text} */
  int start() {
    return start;
  }

  /** {@return the index of the byte behind the last one in the array} */
  int end() {
    return end;
  }

  /** {@return the number of bytes in the array} */
  int size() {
    return end - start;
  }

  /** Reads the block with a byte of the text, and returns the place of that byte in the array. */
  int load(int index) {
    if (index < start || index >= end) {
      start = index / bytes.length * bytes.length;
      end = Math.min(length, start + bytes.length);
      text.get(start, bytes, end - start);
    }
    return index - start;
  }

  /** {@return a byte of the text} */
  char unitAt(int index) {
    int i = index - start;
    return (char) (bytes[i >= 0 && index < end ? i : load(index)] & 0xFF);
  }

  /** {@return some bytes of the text as text} */
  String slice(int from, int to) {
    if (from >= start && to <= end) {
      return new String(bytes, from - start, to - from, StandardCharsets.UTF_8);
    }
    byte[] some = new byte[to - from];
    text.get(from, some, some.length);
    return new String(some, StandardCharsets.UTF_8);
  }

  /** {@return some bytes of ASCII as text, the same object as an equal short text before} */
  String asciiSlice(int from, int to) {
    int size = to - from;
    if (size == 0 || size > LONGEST_KNOWN || from < start || to > end) {
      return slice(from, to);
    }
    int first = from - start;
    int hash = size;
    for (int i = first; i < first + size; i++) {
      hash = 31 * hash + bytes[i];
    }
    int slot = (hash ^ (hash >>> 8) ^ (hash >>> 16)) & (KNOWN - 1);
    String earlier = known[slot];
    if (earlier == null || !isAt(first, size, earlier)) {
      earlier = new String(bytes, first, size, StandardCharsets.ISO_8859_1);
      known[slot] = earlier;
    }
    return earlier;
  }

  private boolean isAt(int first, int size, String ascii) {
    if (ascii.length() != size) {
      return false;
    }
    for (int i = 0; i < size; i++) {
      if (ascii.charAt(i) != bytes[first + i]) {
        return false;
      }
    }
    return true;
  }

  /** {@return a copy of some bytes of the text, or null if not all of them are in the array} */
  byte @Nullable [] copy(int from, int to) {
    return from < start || to > end ? null : Arrays.copyOfRange(bytes, from - start, to - start);
  }

  /** {@return whether some bytes follow in the text, all of them in the array} */
  boolean startsWith(int index, byte[] wanted) {
    int first = index - start;
    return first >= 0
        && index + wanted.length <= end
        && Arrays.equals(bytes, first, first + wanted.length, wanted, 0, wanted.length);
  }

  /**
   * The number of UTF-16 characters before an index: a sequence of 4 bytes is two, a continuation
   * byte is none.
   */
  int charactersBefore(int index) {
    int count = 0;
    for (int i = 0; i < index; i++) {
      int b = unitAt(i);
      count += (b & 0xC0) == 0x80 ? 0 : b >= 0xF0 ? 2 : 1;
    }
    return count;
  }

  /** {@return the index of the first byte that is not UTF-8, or the length of the text} */
  int firstNotUtf8() {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    CharBuffer decoded = CharBuffer.allocate(BLOCK);
    byte[] block = new byte[Math.min(BLOCK, length)];
    // A character that is cut off by the end of a block is in the next one.
    int next = asciiLength();
    while (next < length) {
      int size = Math.min(block.length, length - next);
      text.get(next, block, size);
      ByteBuffer some = ByteBuffer.wrap(block, 0, size);
      boolean wrong = decoder.decode(some, decoded.clear(), next + size == length).isError();
      next += some.position();
      if (wrong) {
        return next;
      }
    }
    return length;
  }

  /** The number of bytes before the first one that is not ASCII; these need no decoder. */
  private int asciiLength() {
    for (int from = 0; from < length; from = end) {
      load(from);
      for (int i = 0; i < end - start; i++) {
        if (bytes[i] < 0) {
          return start + i;
        }
      }
    }
    return length;
  }
}

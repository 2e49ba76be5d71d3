package dev.monoquant.files.json;

import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * A long text, such as the description of many weights, which is made anew each time it is read, so
 * that it is never in memory as a whole. The characters are the same each time.
 */
@FunctionalInterface
public interface TextPieces {

  /** The characters of a long piece. */
  int LONG = 1 << 16;

  /**
   * Passes on the text.
   *
   * @param out receives the pieces in order, valid only during the call; none ends between the two
   *     halves of a surrogate pair
   */
  void forEach(Consumer<CharSequence> out);

  /**
   * Passes on the text in UTF-8.
   *
   * @param out receives the bytes in order
   */
  default void forEachUtf8(Consumer<byte[]> out) {
    forEach(piece -> out.accept(piece.toString().getBytes(StandardCharsets.UTF_8)));
  }

  /** {@return the number of bytes in UTF-8} */
  default long utf8Length() {
    long[] length = {0};
    forEachUtf8(bytes -> length[0] += bytes.length);
    return length[0];
  }

  /**
   * {@return a text that is in memory}
   *
   * @param text any text
   */
  static TextPieces of(String text) {
    return out -> {
      for (int at = 0; at < text.length(); ) {
        int end = Math.min(text.length(), at + LONG);
        if (end < text.length() && Character.isHighSurrogate(text.charAt(end - 1))) {
          end++;
        }
        out.accept(text.substring(at, end));
        at = end;
      }
    };
  }

  /**
   * {@return whether all characters are ASCII}
   *
   * @param text any text
   */
  static boolean isAscii(String text) {
    for (int at = 0; at < text.length(); at += LONG) {
      // Far faster than to look at each character, where the code is not compiled well. Half of a
      // pair of surrogates, which the end of a piece may cut, becomes a question mark.
      String some = text.substring(at, Math.min(text.length(), at + LONG));
      byte[] bytes = some.getBytes(StandardCharsets.US_ASCII);
      if (!new String(bytes, StandardCharsets.US_ASCII).equals(some)) {
        return false;
      }
    }
    return true;
  }
}

package dev.monoquant.io.tokenizer;

/**
 * A token.
 *
 * @param text its text
 * @param type its type
 */
record Token(String text, Type type) {

  /** The types of ggml and SentencePiece, with their numbers in both. */
  enum Type {
    NORMAL(1),
    UNKNOWN(2),
    CONTROL(3),
    USER_DEFINED(4),
    UNUSED(5),
    BYTE(6);

    private final int id;

    Type(int id) {
      this.id = id;
    }

    int id() {
      return id;
    }
  }

  /** {@return what stands at an id that no tokenizer has} */
  static Token unused(int id) {
    return new Token("[PAD" + id + "]", Type.UNUSED);
  }
}

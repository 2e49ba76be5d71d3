package dev.monoquant.script;

/**
 * A token of source.
 *
 * @param kind what it is
 * @param text its characters, of a string with its quotes
 * @param start where it begins in the file
 * @param end where it ends
 */
record Token(Kind kind, String text, int start, int end) {

  /** Kinds of tokens. */
  enum Kind {
    NAME,
    NUMBER,
    STRING,
    SYMBOL
  }

  boolean is(String symbol) {
    return kind != Kind.STRING && text.equals(symbol);
  }

  boolean isName() {
    return kind == Kind.NAME;
  }

  boolean isString() {
    return kind == Kind.STRING;
  }
}

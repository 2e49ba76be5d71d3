package dev.monoquant.script;

import org.jspecify.annotations.Nullable;

/**
 * A token of source.
 *
 * @param kind what it is
 * @param text its characters; a string includes its quotes
 * @param start its start in the file
 * @param end its end
 */
record Token(Kind kind, String text, int start, int end) {

  /** Kinds of tokens. */
  enum Kind {
    NAME,
    NUMBER,
    STRING,
    SYMBOL
  }

  /** Splits a line into tokens. */
  static final class Cutter {

    private final String text;
    private final int end;
    private int at;

    /**
     * @param text the file
     * @param start the start of the line
     * @param end its end, after a token
     */
    Cutter(String text, int start, int end) {
      this.text = text;
      this.at = start;
      this.end = end;
    }

    /** {@return the next token, or null at the end} */
    @Nullable Token next() {
      while (at < end && isBlank(text.charAt(at))) {
        at = skip(text, at, end);
      }
      if (at >= end) {
        return null;
      }
      int start = at;
      try {
        at = Token.end(text, start, end);
      } catch (SourceFault e) {
        throw new IllegalStateException("a line holds a fault that was not noted", e);
      }
      return new Token(kind(text, start, end), text.substring(start, at), start, at);
    }
  }

  /**
   * {@return the token at a position that is not blank}
   *
   * @param text the file
   * @param start the start of the token
   * @throws SourceFault if it is a tab or an unterminated string
   */
  static Token at(String text, int start) throws SourceFault {
    int end = end(text, start, text.length());
    return new Token(kind(text, start, text.length()), text.substring(start, end), start, end);
  }

  boolean is(String symbol) {
    return kind != Kind.STRING && text.equals(symbol);
  }

  boolean isName() {
    return kind == Kind.NAME;
  }

  /** {@return whether a character separates tokens or begins a comment} */
  static boolean isBlank(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '#';
  }

  /**
   * {@return the position after a blank or a comment; a comment does not include the end of the
   * line}
   */
  static int skip(String text, int at, int limit) {
    if (text.charAt(at) != '#') {
      return at + 1;
    }
    int line = text.indexOf('\n', at);
    return line < 0 ? limit : Math.min(line, limit);
  }

  private static Kind kind(String text, int at, int limit) {
    char c = text.charAt(at);
    if (isNameStart(c)) {
      return Kind.NAME;
    }
    if (beginsNumber(text, at, limit)) {
      return Kind.NUMBER;
    }
    return c == '"' || c == '\'' ? Kind.STRING : Kind.SYMBOL;
  }

  /**
   * {@return the end of a token}
   *
   * @param text the file
   * @param start the start of the token
   * @param limit where to stop
   * @throws SourceFault if it is a tab or an unterminated string
   */
  static int end(String text, int start, int limit) throws SourceFault {
    return switch (kind(text, start, limit)) {
      case NAME -> nameEnd(text, start, limit);
      case NUMBER -> numberEnd(text, start, limit);
      case STRING -> stringEnd(text, start, limit);
      case SYMBOL -> symbolEnd(text, start);
    };
  }

  private static int nameEnd(String text, int start, int limit) {
    int at = start;
    while (at < limit && isNamePart(text.charAt(at))) {
      at++;
    }
    return at;
  }

  private static boolean beginsNumber(String text, int at, int limit) {
    char c = text.charAt(at);
    return isDigit(c) || (c == '.' && at + 1 < limit && isDigit(text.charAt(at + 1)));
  }

  private static int numberEnd(String text, int start, int limit) {
    int at = start;
    while (at < limit) {
      char c = text.charAt(at);
      boolean sign = (c == '-' || c == '+') && at > start && "eE".indexOf(text.charAt(at - 1)) >= 0;
      if (!isNamePart(c) && c != '.' && !sign) {
        break;
      }
      at++;
    }
    return at;
  }

  private static int stringEnd(String text, int start, int limit) throws SourceFault {
    int at = start + 1;
    while (at < limit && text.charAt(at) != text.charAt(start)) {
      if (text.charAt(at) == '\n') {
        throw new SourceFault("a string does not end on its line", start);
      }
      at += text.charAt(at) == '\\' ? 2 : 1;
    }
    if (at >= limit) {
      throw new SourceFault("a string does not end", start);
    }
    return at + 1;
  }

  private static int symbolEnd(String text, int start) throws SourceFault {
    if (text.charAt(start) == '\t') {
      throw new SourceFault("a tab, where torch writes spaces", start);
    }
    return start + (text.startsWith("->", start) ? 2 : 1);
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isNameStart(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }

  /** {@return whether a name can continue with the character} */
  static boolean isNamePart(char c) {
    return isNameStart(c) || isDigit(c);
  }
}

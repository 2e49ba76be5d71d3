package dev.monoquant.script;

import java.util.ArrayList;
import java.util.List;

/**
 * Source cut into logical lines: a line goes on as long as a bracket is open. Comments and blank
 * lines are left out.
 */
public final class Lines {

  /**
   * A logical line.
   *
   * @param indent spaces before its first token
   * @param tokens its tokens, at least one
   */
  record Line(int indent, List<Token> tokens) {

    Line {
      tokens = List.copyOf(tokens);
    }

    Token first() {
      return tokens.get(0);
    }

    Token last() {
      return tokens.get(tokens.size() - 1);
    }

    int start() {
      return first().start();
    }

    int end() {
      return last().end();
    }

    boolean startsWith(String... symbols) {
      if (tokens.size() < symbols.length) {
        return false;
      }
      for (int i = 0; i < symbols.length; i++) {
        if (!tokens.get(i).is(symbols[i])) {
          return false;
        }
      }
      return true;
    }
  }

  private final String text;
  private final List<Line> lines = new ArrayList<>();
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int lineStart;
  private int indent;
  private int depth;

  private Lines(String text) {
    this.text = text;
  }

  /**
   * Cuts a file.
   *
   * @param text its source
   * @return its lines
   * @throws SourceFault if a string does not end, a bracket is not closed, or a tab indents
   */
  public static List<Line> of(String text) throws SourceFault {
    Lines lines = new Lines(text);
    while (lines.at < text.length()) {
      lines.step();
    }
    lines.endLine();
    if (lines.depth != 0) {
      throw new SourceFault("a bracket is not closed", text.length());
    }
    return lines.lines;
  }

  private void step() throws SourceFault {
    char c = text.charAt(at);
    if (c == '\n') {
      at++;
      if (depth == 0) {
        endLine();
        lineStart = at;
      }
    } else if (c == ' ' || c == '\r') {
      at++;
    } else if (c == '#') {
      int end = text.indexOf('\n', at);
      at = end < 0 ? text.length() : end;
    } else {
      if (tokens.isEmpty()) {
        indent = at - lineStart;
      }
      token(c);
    }
  }

  private void endLine() {
    if (!tokens.isEmpty()) {
      lines.add(new Line(indent, tokens));
      tokens.clear();
    }
  }

  private void token(char c) throws SourceFault {
    int start = at;
    Token.Kind kind;
    if (isNameStart(c)) {
      kind = Token.Kind.NAME;
      while (at < text.length() && isNamePart(text.charAt(at))) {
        at++;
      }
    } else if (isDigit(c) || (c == '.' && at + 1 < text.length() && isDigit(text.charAt(at + 1)))) {
      kind = Token.Kind.NUMBER;
      number();
    } else if (c == '"' || c == '\'') {
      kind = Token.Kind.STRING;
      string(c);
    } else {
      kind = Token.Kind.SYMBOL;
      symbol(c);
    }
    tokens.add(new Token(kind, text.substring(start, at), start, at));
  }

  private void number() {
    while (at < text.length()) {
      char c = text.charAt(at);
      boolean sign = (c == '-' || c == '+') && "eE".indexOf(text.charAt(at - 1)) >= 0;
      if (!isNamePart(c) && c != '.' && !sign) {
        return;
      }
      at++;
    }
  }

  private void string(char quote) throws SourceFault {
    int start = at++;
    while (at < text.length() && text.charAt(at) != quote) {
      if (text.charAt(at) == '\n') {
        throw new SourceFault("a string does not end on its line", start);
      }
      at += text.charAt(at) == '\\' ? 2 : 1;
    }
    if (at >= text.length()) {
      throw new SourceFault("a string does not end", start);
    }
    at++;
  }

  private void symbol(char c) throws SourceFault {
    if (c == '\t') {
      throw new SourceFault("a tab, where torch writes spaces", at);
    }
    if ("([{".indexOf(c) >= 0) {
      depth++;
    } else if (")]}".indexOf(c) >= 0 && --depth < 0) {
      throw new SourceFault("a bracket is closed that was not open", at);
    }
    at += text.startsWith("->", at) ? 2 : 1;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isNameStart(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }

  private static boolean isNamePart(char c) {
    return isNameStart(c) || isDigit(c);
  }
}

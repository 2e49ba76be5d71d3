package dev.monoquant.script;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the logical lines of source in order: a line continues while a bracket is open. Comments
 * and blank lines are skipped. Reading takes one pass and retains nothing; a line contains only its
 * position.
 *
 * <p>A line that cannot be split into tokens has a fault, and ends before it. The same applies to a
 * line with a bracket that is still open where {@code def} or {@code class} begins a line, since
 * brackets cannot contain these. Reading continues after the fault.
 */
final class Lines {

  /**
   * A logical line.
   *
   * @param text the file
   * @param indent the number of spaces before its first token
   * @param start the start of its first token
   * @param end the end of its last token
   * @param fault why it ends too early; empty if it does not
   */
  record Line(String text, int indent, int start, int end, Optional<SourceFault> fault) {

    /** {@return whether it begins with the word} */
    boolean is(String word) {
      return isWord(text, start, end, word);
    }

    /** {@return all tokens of the line} */
    List<Token> tokens() {
      List<Token> all = new ArrayList<>();
      Token.Cutter cutter = new Token.Cutter(text, start, end);
      for (Token token = cutter.next(); token != null; token = cutter.next()) {
        all.add(token);
      }
      return all;
    }

    /** Throws the fault of the line, if it has one. */
    void requireWhole() throws SourceFault {
      if (fault.isPresent()) {
        throw fault.get();
      }
    }
  }

  /**
   * Lines that are indented more than the one before them.
   *
   * @param start the start of the first line; if there are none, the end of the line before
   * @param end the end of the last line
   * @param fault the first fault in them
   */
  record Block(int start, int end, Optional<SourceFault> fault) {

    boolean isEmpty() {
      return start == end;
    }
  }

  private final String text;
  private final int end;
  private int at;
  private int lineStart;
  private @Nullable Line next;

  /**
   * Creates a reader.
   *
   * @param text the file
   * @param start the start of a line
   * @param end where to stop
   */
  Lines(String text, int start, int end) {
    this.text = text;
    this.at = start;
    this.lineStart = start;
    this.end = end;
  }

  /** {@return the next line without taking it; null at the end} */
  @Nullable Line peek() {
    if (next == null) {
      next = read();
    }
    return next;
  }

  /** {@return the next line, which is taken; null at the end} */
  @Nullable Line take() {
    Line line = peek();
    next = null;
    return line;
  }

  /** {@return the lines that are indented more than the line that was just taken} */
  Block takeBlock(Line head) {
    int start = head.end();
    int stop = start;
    Optional<SourceFault> fault = Optional.empty();
    for (Line line = peek(); line != null && line.indent() > head.indent(); line = peek()) {
      start = stop == head.end() ? line.start() - line.indent() : start;
      stop = line.end();
      fault = fault.isPresent() ? fault : line.fault();
      take();
    }
    return new Block(start, stop, fault);
  }

  private @Nullable Line read() {
    while (at < end && Token.isBlank(text.charAt(at))) {
      blank();
    }
    if (at >= end) {
      return null;
    }
    int start = at;
    int indent = at - lineStart;
    int stop = at;
    int depth = 0;
    try {
      while (at < end && !(depth == 0 && text.charAt(at) == '\n')) {
        char c = text.charAt(at);
        if (Token.isBlank(c)) {
          blank();
          if (c == '\n' && beginsDefinition()) {
            SourceFault fault = new SourceFault("a bracket is not closed", stop);
            return new Line(text, indent, start, stop, Optional.of(fault));
          }
        } else {
          int tokenEnd = Token.end(text, at, end);
          depth += bracket(c);
          if (depth < 0) {
            throw new SourceFault("a bracket is closed that was not open", at);
          }
          at = tokenEnd;
          stop = at;
        }
      }
      if (depth != 0) {
        throw new SourceFault("a bracket is not closed", end);
      }
      return new Line(text, indent, start, stop, Optional.empty());
    } catch (SourceFault fault) {
      while (at < end && text.charAt(at) != '\n') {
        at++;
      }
      return new Line(text, indent, start, stop, Optional.of(fault));
    }
  }

  private void blank() {
    boolean newLine = text.charAt(at) == '\n';
    at = Token.skip(text, at, end);
    if (newLine) {
      lineStart = at;
    }
  }

  private static int bracket(char c) {
    return switch (c) {
      case '(', '[', '{' -> 1;
      case ')', ']', '}' -> -1;
      default -> 0;
    };
  }

  private boolean beginsDefinition() {
    int first = at;
    while (first < end && text.charAt(first) == ' ') {
      first++;
    }
    return isWord(text, first, end, "def") || isWord(text, first, end, "class");
  }

  private static boolean isWord(String text, int start, int end, String word) {
    int stop = start + word.length();
    return stop <= end
        && text.startsWith(word, start)
        && (stop == end || !Token.isNamePart(text.charAt(stop)));
  }
}

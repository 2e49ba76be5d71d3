package dev.monoquant.script;

import java.util.Arrays;
import java.util.Set;

/**
 * Bounds the depth of the syntax trees that torch's compiler makes of source. The compiler is
 * recursive: on a stack of 1 MiB, 490 brackets in each other end the process, and so do some
 * thousand operators ({@code x + x + x}), calls and members ({@code x.T.T}) in a row.
 *
 * <p>The depth of an expression is at most the number of open brackets and of the operators, calls
 * and members before it since the last comma at the level of each. torch writes some tens at most.
 */
final class Nesting {

  /** The greatest depth of an expression, and the most branches of one {@code if}. */
  static final int MOST = 100;

  /** The greatest indentation, of two characters for each block. */
  private static final int MOST_COLUMNS = 256;

  private static final String OPERATORS = "+-*/%<>=&|^~!.";
  private static final Set<String> WORDS = Set.of("and", "or", "not", "if", "else", "in", "is");

  /** Operators, calls and members at the level of each open bracket. */
  private int[] links = new int[16];

  private int depth;
  private int sum;
  private boolean operand;

  /** Each is a block in that of the one before; torch writes none. */
  private int elifs;

  /**
   * Takes the next token.
   *
   * @param token a token
   * @param column its position in its line if it is the first there; 0 if it is not
   * @return whether the depth is still allowed
   */
  boolean take(Token token, int column) {
    if (column > 0 && depth == 0) {
      comma();
      operand = false;
    }
    if (token.is("(") || token.is("[") || token.is("{")) {
      link(operand);
      depth++;
      if (depth == links.length) {
        links = Arrays.copyOf(links, 2 * depth);
      }
      links[depth] = 0;
      operand = false;
    } else if (token.is(")") || token.is("]") || token.is("}")) {
      comma();
      depth = Math.max(0, depth - 1);
      operand = true;
    } else if (token.is(",") || token.is(":")) {
      comma();
      operand = false;
    } else {
      boolean word = token.isName() && WORDS.contains(token.text());
      boolean symbol = token.kind() == Token.Kind.SYMBOL;
      link(word || (symbol && OPERATORS.indexOf(token.text().charAt(0)) >= 0));
      operand = !word && !symbol;
    }
    elifs += token.isName() && token.is("elif") ? 1 : 0;
    return depth + sum <= MOST && column <= MOST_COLUMNS && elifs <= MOST;
  }

  private void link(boolean counts) {
    if (counts) {
      links[depth]++;
      sum++;
    }
  }

  private void comma() {
    sum -= links[depth];
    links[depth] = 0;
  }

  /** {@return whether the depth of a text, such as that of a type, is allowed} */
  static boolean isAllowed(String text) throws SourceFault {
    Nesting nesting = new Nesting();
    int at = 0;
    while (at < text.length()) {
      if (Token.isBlank(text.charAt(at))) {
        at = Token.skip(text, at, text.length());
      } else {
        Token token = Token.at(text, at);
        if (!nesting.take(token, 0)) {
          return false;
        }
        at = token.end();
      }
    }
    return true;
  }
}

package dev.monoquant.script;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Expressions as torch's printer writes them: names, literals, members, calls, subscripts, displays
 * and unary operators. Binary operators, conditional expressions and lambdas are never written;
 * they are not understood.
 */
final class ExprParser {

  /** Deeper nesting is not understood, so that hostile source cannot exhaust the stack. */
  private static final int MAX_DEPTH = 200;

  private static final Set<String> RESERVED =
      Set.of(
          "and",
          "or",
          "in",
          "is",
          "if",
          "else",
          "lambda",
          "for",
          "while",
          "return",
          "def",
          "class",
          "with",
          "as",
          "import",
          "from",
          "assert",
          "raise",
          "pass",
          "break",
          "continue",
          "del",
          "try",
          "except",
          "yield",
          "await",
          "global");

  private final List<Token> tokens;
  private int at;
  private int depth;

  /**
   * Starts to read.
   *
   * @param tokens the tokens of a line
   * @param from the first of the expression
   */
  ExprParser(List<Token> tokens, int from) {
    this.tokens = tokens;
    this.at = from;
  }

  /** {@return the index of the next token} */
  int position() {
    return at;
  }

  boolean atEnd() {
    return at >= tokens.size();
  }

  boolean next(String symbol) {
    return !atEnd() && tokens.get(at).is(symbol);
  }

  Token take() throws SourceFault {
    if (atEnd()) {
      throw new SourceFault("the line ends too early", tokens.get(tokens.size() - 1).end());
    }
    return tokens.get(at++);
  }

  Token expect(String symbol) throws SourceFault {
    Token token = take();
    if (!token.is(symbol)) {
      throw new SourceFault(symbol + " was expected", token.start());
    }
    return token;
  }

  /** Reads an expression, or several with commas between them as a tuple without brackets. */
  List<Expr> expressions() throws SourceFault {
    List<Expr> all = new ArrayList<>();
    all.add(expression());
    while (next(",")) {
      take();
      if (!atEnd() && !next("=")) {
        all.add(expression());
      }
    }
    return all;
  }

  Expr expression() throws SourceFault {
    if (++depth > MAX_DEPTH) {
      throw new SourceFault("expressions are nested too deep", tokens.get(at).start());
    }
    Expr expr = unary();
    depth--;
    return expr;
  }

  private Expr unary() throws SourceFault {
    if (next("-") || next("not") || next("~")) {
      Token sign = take();
      Expr operand = expression();
      return new Expr.Unary(operand, sign.start(), operand.end());
    }
    Expr expr = atom();
    for (int links = 0; ; links++) {
      if (links > MAX_DEPTH) {
        throw new SourceFault("a chain of members is too long", expr.end());
      }
      if (next(".")) {
        take();
        Token name = take();
        if (!name.isName()) {
          throw new SourceFault("a name was expected", name.start());
        }
        expr = new Expr.Member(expr, name.text(), expr.start(), name.end());
      } else if (next("(")) {
        take();
        List<Expr.Argument> arguments = arguments();
        expr = new Expr.Call(expr, arguments, expr.start(), expect(")").end());
      } else if (next("[")) {
        take();
        List<Expr> items = slices();
        expr = new Expr.Index(expr, items, expr.start(), expect("]").end());
      } else {
        return expr;
      }
    }
  }

  private List<Expr.Argument> arguments() throws SourceFault {
    List<Expr.Argument> arguments = new ArrayList<>();
    while (!next(")")) {
      Optional<String> keyword = Optional.empty();
      if (at + 1 < tokens.size() && tokens.get(at).isName() && tokens.get(at + 1).is("=")) {
        keyword = Optional.of(take().text());
        take();
      }
      arguments.add(new Expr.Argument(keyword, expression()));
      if (!next(")")) {
        expect(",");
      }
    }
    return arguments;
  }

  private List<Expr> slices() throws SourceFault {
    List<Expr> items = new ArrayList<>();
    while (!next("]")) {
      if (next(":") || next(",")) {
        take();
      } else {
        items.add(expression());
        if (!next("]") && !next(",") && !next(":")) {
          expect("]");
        }
      }
    }
    return items;
  }

  private Expr atom() throws SourceFault {
    Token token = take();
    switch (token.kind()) {
      case NUMBER -> {
        return new Expr.Numeral(token.text(), token.start(), token.end());
      }
      case STRING -> {
        return new Expr.Text(token.text(), token.start(), token.end());
      }
      case NAME -> {
        if (RESERVED.contains(token.text())) {
          throw new SourceFault(token.text() + " is no expression", token.start());
        }
        return new Expr.Name(token.text(), token.start(), token.end());
      }
      case SYMBOL -> {
        return display(token);
      }
    }
    throw new SourceFault("an expression was expected", token.start());
  }

  private Expr display(Token open) throws SourceFault {
    String close =
        switch (open.text()) {
          case "(" -> ")";
          case "[" -> "]";
          case "{" -> "}";
          default -> throw new SourceFault("an expression was expected", open.start());
        };
    List<Expr> items = new ArrayList<>();
    boolean comma = false;
    while (!next(close)) {
      items.add(expression());
      if (next(",") || (close.equals("}") && next(":"))) {
        take();
        comma = true;
      } else if (!next(close)) {
        throw new SourceFault(
            close + " was expected", tokens.get(Math.min(at, tokens.size() - 1)).start());
      }
    }
    int end = take().end();
    if (close.equals(")") && items.size() == 1 && !comma) {
      return new Expr.Paren(items.get(0), open.start(), end);
    }
    return new Expr.Display(open.text().charAt(0), items, open.start(), end);
  }
}

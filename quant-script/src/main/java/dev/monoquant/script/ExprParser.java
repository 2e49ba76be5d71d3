package dev.monoquant.script;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Parses expressions in the form that torch's printer writes: names, literals, members, calls,
 * subscripts, displays and unary operators. The printer never writes binary operators, conditional
 * expressions and lambdas; they are a fault here.
 */
final class ExprParser {

  /** Deeper nesting is a fault, so that hostile source cannot exhaust the stack. */
  private static final int MAX_DEPTH = 200;

  /** The most expressions of one line; a bound on memory. */
  private static final int MAX_NODES = 1_000_000;

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

  private final Lines.Line line;
  private final Token.Cutter tokens;
  private @Nullable Token next;
  private @Nullable Token second;
  private int depth;
  private int nodes;

  /**
   * Creates a parser.
   *
   * @param line a line without a fault
   */
  ExprParser(Lines.Line line) {
    this.line = line;
    this.tokens = new Token.Cutter(line.text(), line.start(), line.end());
    this.next = tokens.next();
    this.second = tokens.next();
  }

  /** {@return the number of expressions read so far} */
  int nodes() {
    return nodes;
  }

  boolean atEnd() {
    return next == null;
  }

  boolean next(String symbol) {
    return next != null && next.is(symbol);
  }

  Token take() throws SourceFault {
    Token token = next;
    if (token == null) {
      throw new SourceFault("the line ends too early", line.end());
    }
    next = second;
    second = tokens.next();
    return token;
  }

  /** Takes a word that is used as a name. */
  Token takeName() throws SourceFault {
    Token token = take();
    if (!token.isName()) {
      throw new SourceFault("a name was expected", token.start());
    }
    return token;
  }

  Token expect(String symbol) throws SourceFault {
    Token token = take();
    if (!token.is(symbol)) {
      throw new SourceFault(symbol + " was expected", token.start());
    }
    return token;
  }

  void requireEnd() throws SourceFault {
    if (!atEnd()) {
      throw new SourceFault("the end of the line was expected", place());
    }
  }

  private int place() {
    return next == null ? line.end() : next.start();
  }

  /** Reads one or more expressions separated by commas, such as a tuple without brackets. */
  List<Expr> expressions() throws SourceFault {
    List<Expr> all = new ArrayList<>(List.of(expression()));
    all.addAll(more());
    return all;
  }

  /** Reads the further expressions after the first one, separated by commas. */
  List<Expr> more() throws SourceFault {
    List<Expr> all = new ArrayList<>();
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
      throw new SourceFault("expressions are nested too deep", place());
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
        Token name = takeName();
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
      if (next != null && next.isName() && second != null && second.is("=")) {
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
    if (++nodes > MAX_NODES) {
      throw new SourceFault("it has more than " + MAX_NODES + " names and literals", token.start());
    }
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
        throw new SourceFault(close + " was expected", place());
      }
    }
    int end = take().end();
    if (close.equals(")") && items.size() == 1 && !comma) {
      return new Expr.Paren(items.get(0), open.start(), end);
    }
    return new Expr.Display(open.text().charAt(0), items, open.start(), end);
  }
}

package dev.monoquant.script;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A logical line of a body: an assignment, a return, the head of a block, or an expression. Blocks
 * need no structure here, since what is asked of a body does not depend on the order of execution.
 *
 * @param line the line
 * @param understood false if nothing but its tokens is known
 * @param assigned the local names that it sets
 * @param member what it sets of an object, as in {@code self.n = 1}
 * @param values its expressions
 */
public record Statement(
    Lines.Line line,
    boolean understood,
    List<String> assigned,
    Optional<Expr.Member> member,
    List<Expr> values) {

  public Statement {
    assigned = List.copyOf(assigned);
    values = List.copyOf(values);
  }

  /**
   * {@return a line as a statement; one that is not understood assigns nothing}
   *
   * @param line a logical line
   */
  public static Statement of(Lines.Line line) {
    try {
      return understand(line);
    } catch (SourceFault e) {
      return new Statement(line, false, List.of(), Optional.empty(), List.of());
    }
  }

  /** {@return the name it gives to its only value, or empty} */
  Optional<String> alias() {
    return assigned.size() == 1
            && values.size() == 1
            && member.isEmpty()
            && line.tokens().get(1).is("=")
        ? Optional.of(assigned.get(0))
        : Optional.empty();
  }

  private static Statement understand(Lines.Line line) throws SourceFault {
    List<String> assigned = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    ExprParser parser = new ExprParser(line.tokens(), 1);
    switch (line.first().text()) {
      case "pass", "break", "continue" -> {}
      case "else" -> parser.expect(":");
      case "return" -> {
        if (!parser.atEnd()) {
          values.addAll(parser.expressions());
        }
      }
      case "if", "elif", "while" -> {
        values.add(parser.expression());
        parser.expect(":");
      }
      case "for" -> {
        assigned.add(name(parser.take()));
        parser.expect("in");
        values.add(parser.expression());
        parser.expect(":");
      }
      case "with" -> {
        values.add(parser.expression());
        if (parser.next("as")) {
          parser.take();
          assigned.add(name(parser.take()));
        }
        parser.expect(":");
      }
      default -> {
        return assignment(line, new ExprParser(line.tokens(), 0));
      }
    }
    requireEnd(parser);
    return new Statement(line, true, assigned, Optional.empty(), values);
  }

  private static Statement assignment(Lines.Line line, ExprParser parser) throws SourceFault {
    List<Expr> targets = parser.expressions();
    if (parser.atEnd()) {
      return new Statement(line, true, List.of(), Optional.empty(), targets);
    }
    if (parser.next(":")) {
      // A declared type, such as that of an interface: what is set is no alias of its value.
      parser.take();
      parser.expression();
    }
    parser.expect("=");
    List<Expr> values = parser.expressions();
    requireEnd(parser);
    if (targets.size() == 1 && targets.get(0) instanceof Expr.Member member) {
      return new Statement(line, true, List.of(), Optional.of(member), values);
    }
    List<String> assigned = new ArrayList<>();
    for (Expr target : targets) {
      collect(target, assigned);
    }
    return new Statement(line, true, assigned, Optional.empty(), values);
  }

  private static void collect(Expr target, List<String> names) throws SourceFault {
    if (target instanceof Expr.Name name) {
      names.add(name.name());
    } else if (target instanceof Expr.Display || target instanceof Expr.Paren) {
      for (Expr child : target.children()) {
        collect(child, names);
      }
    } else {
      throw new SourceFault("a name was expected", target.start());
    }
  }

  private static String name(Token token) throws SourceFault {
    if (!token.isName()) {
      throw new SourceFault("a name was expected", token.start());
    }
    return token.text();
  }

  private static void requireEnd(ExprParser parser) throws SourceFault {
    if (!parser.atEnd()) {
      throw new SourceFault("the end of the line was expected", parser.take().start());
    }
  }
}

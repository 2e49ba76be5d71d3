package dev.monoquant.script;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A logical line of a body: an assignment, a return, the head of a block, or an expression. The
 * structure of blocks is not retained, because the analysis does not depend on the order of
 * execution.
 *
 * @param line the line
 * @param understood false if only its tokens are known
 * @param assigned the local names that it sets
 * @param member the member of an object that it sets, as in {@code self.n = 1}
 * @param values its expressions
 * @param alias the name that it assigns its only value to, if it does nothing else
 */
record Statement(
    Lines.Line line,
    boolean understood,
    List<String> assigned,
    Optional<Expr.Member> member,
    List<Expr> values,
    Optional<String> alias) {

  private static final List<String> HEADS = List.of("if", "elif", "else", "while", "for", "with");

  Statement {
    assigned = List.copyOf(assigned);
    values = List.copyOf(values);
  }

  /** {@return whether it begins a block} */
  boolean isHead() {
    return HEADS.stream().anyMatch(line::is);
  }

  /**
   * {@return a line as a statement; a line that cannot be parsed assigns nothing}
   *
   * @param line a logical line
   */
  static Statement of(Lines.Line line) {
    try {
      line.requireWhole();
      return understand(line);
    } catch (SourceFault e) {
      return new Statement(line, false, List.of(), Optional.empty(), List.of(), Optional.empty());
    }
  }

  private static Statement understand(Lines.Line line) throws SourceFault {
    List<String> assigned = new ArrayList<>();
    List<Expr> values = new ArrayList<>();
    ExprParser parser = new ExprParser(line);
    switch (parser.take().text()) {
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
        assigned.add(parser.takeName().text());
        parser.expect("in");
        values.add(parser.expression());
        parser.expect(":");
      }
      case "with" -> {
        values.add(parser.expression());
        if (parser.next("as")) {
          parser.take();
          assigned.add(parser.takeName().text());
        }
        parser.expect(":");
      }
      default -> {
        return assignment(line, new ExprParser(line));
      }
    }
    parser.requireEnd();
    return new Statement(line, true, assigned, Optional.empty(), values, Optional.empty());
  }

  private static Statement assignment(Lines.Line line, ExprParser parser) throws SourceFault {
    Expr first = parser.expression();
    boolean single = !parser.next(",");
    List<Expr> targets = new ArrayList<>(List.of(first));
    targets.addAll(parser.more());
    if (parser.atEnd()) {
      return new Statement(line, true, List.of(), Optional.empty(), targets, Optional.empty());
    }
    boolean typed = parser.next(":");
    if (typed) {
      // With a declared type, such as an interface, the name is no alias of the value.
      parser.take();
      parser.expression();
    }
    parser.expect("=");
    List<Expr> values = parser.expressions();
    parser.requireEnd();
    if (targets.size() == 1 && first instanceof Expr.Member member) {
      return new Statement(line, true, List.of(), Optional.of(member), values, Optional.empty());
    }
    List<String> assigned = new ArrayList<>();
    for (Expr target : targets) {
      collect(target, assigned);
    }
    Optional<String> alias =
        first instanceof Expr.Name name && single && !typed && values.size() == 1
            ? Optional.of(name.name())
            : Optional.empty();
    return new Statement(line, true, assigned, Optional.empty(), values, alias);
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
}

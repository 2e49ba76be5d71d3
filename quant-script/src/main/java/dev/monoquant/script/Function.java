package dev.monoquant.script;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A function or a method.
 *
 * @param name its name
 * @param nameToken where that stands
 * @param parameters what it takes, of a method the object first
 * @param body its statements
 * @param start where {@code def} begins
 * @param end the end of its last line
 */
public record Function(
    String name,
    Token nameToken,
    List<Parameter> parameters,
    List<Statement> body,
    int start,
    int end) {

  /**
   * A parameter.
   *
   * @param name its name
   * @param type its type, if it has one
   * @param end the end of its default, or of its type, or of its name
   */
  public record Parameter(String name, Optional<Expr> type, int end) {}

  public Function {
    parameters = List.copyOf(parameters);
    body = List.copyOf(body);
  }

  static Function of(Lines.Line head, List<Lines.Line> body) throws SourceFault {
    ExprParser parser = new ExprParser(head.tokens(), 1);
    Token name = parser.take();
    parser.expect("(");
    List<Parameter> parameters = new ArrayList<>();
    while (!parser.next(")")) {
      Token parameter = parser.take();
      int end = parameter.end();
      Optional<Expr> type = Optional.empty();
      if (parser.next(":")) {
        parser.take();
        type = Optional.of(parser.expression());
        end = type.get().end();
      }
      if (parser.next("=")) {
        parser.take();
        end = parser.expression().end();
      }
      parameters.add(new Parameter(parameter.text(), type, end));
      if (!parser.next(")")) {
        parser.expect(",");
      }
    }
    parser.expect(")");
    if (parser.next("->")) {
      parser.take();
      parser.expression();
    }
    parser.expect(":");
    int last = body.isEmpty() ? head.end() : body.get(body.size() - 1).end();
    return new Function(
        name.text(),
        name,
        parameters,
        body.stream().map(Statement::of).toList(),
        head.start(),
        last);
  }

  /** {@return how often each name is given a value, parameters once to begin with} */
  Map<String, Integer> assignments() {
    Map<String, Integer> counts = new HashMap<>();
    parameters.forEach(p -> counts.merge(p.name(), 1, Integer::sum));
    body.forEach(s -> s.assigned().forEach(n -> counts.merge(n, 1, Integer::sum)));
    return counts;
  }
}

package dev.monoquant.script;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A function or a method. Its body is parsed on demand: listing the classes of a program does not
 * need it. Thread-safe.
 */
final class Function {

  /**
   * A parameter.
   *
   * @param name its name
   * @param type its declared type, if it has one
   * @param optional whether it has a default value
   * @param end the end of its default value, otherwise of its type, otherwise of its name
   */
  record Parameter(String name, Optional<Expr> type, boolean optional, int end) {}

  private final Lines.Line head;
  private final Lines.Block block;
  private final Token nameToken;
  private final List<Parameter> parameters;
  private volatile @Nullable List<Statement> body;

  private Function(
      Lines.Line head, Lines.Block block, Token nameToken, List<Parameter> parameters) {
    this.head = head;
    this.block = block;
    this.nameToken = nameToken;
    this.parameters = List.copyOf(parameters);
  }

  /**
   * Parses the head of a function.
   *
   * @param head the line that begins with {@code def}
   * @param block the lines of its body
   * @param parser the parser of the head
   */
  static Function of(Lines.Line head, Lines.Block block, ExprParser parser) throws SourceFault {
    parser.expect("def");
    Token name = parser.takeName();
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
      boolean optional = parser.next("=");
      if (optional) {
        parser.take();
        end = parser.expression().end();
      }
      parameters.add(new Parameter(parameter.text(), type, optional, end));
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
    return new Function(head, block, name, parameters);
  }

  /** {@return its name} */
  String name() {
    return nameToken.text();
  }

  /** {@return the token of its name} */
  Token nameToken() {
    return nameToken;
  }

  /** {@return its parameters; the first parameter of a method is the object} */
  List<Parameter> parameters() {
    return parameters;
  }

  /** {@return the offset of {@code def}} */
  int start() {
    return head.start();
  }

  /** {@return the end of its last line} */
  int end() {
    return Math.max(head.end(), block.end());
  }

  /** {@return its statements, which stay in memory} */
  List<Statement> body() {
    List<Statement> known = body;
    if (known == null) {
      List<Statement> read = new ArrayList<>();
      read(read::add);
      known = List.copyOf(read);
      body = known;
    }
    return known;
  }

  /** Parses its statements one by one; none stays in memory. */
  void read(Consumer<Statement> reader) {
    Lines lines = new Lines(head.text(), block.start(), block.end());
    for (Lines.Line line = lines.take(); line != null; line = lines.take()) {
      reader.accept(Statement.of(line));
    }
  }

  /** {@return the number of assignments to each name; a parameter has one from the call} */
  Map<String, Integer> assignments() {
    Map<String, Integer> counts = new HashMap<>();
    parameters.forEach(p -> counts.merge(p.name(), 1, Integer::sum));
    body().forEach(s -> s.assigned().forEach(n -> counts.merge(n, 1, Integer::sum)));
    return counts;
  }
}

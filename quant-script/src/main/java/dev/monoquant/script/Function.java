package dev.monoquant.script;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A function or a method. Its body is read when it is asked for: who wants to know the classes of a
 * program has no need of it. Thread-safe.
 */
final class Function {

  /**
   * A parameter.
   *
   * @param name its name
   * @param type its type, if it has one
   * @param end the end of its default, or of its type, or of its name
   */
  record Parameter(String name, Optional<Expr> type, int end) {}

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
   * Reads the head of a function.
   *
   * @param head the line that begins with {@code def}
   * @param block the lines of its body
   * @param parser the reader of the head
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
    return new Function(head, block, name, parameters);
  }

  /** {@return its name} */
  String name() {
    return nameToken.text();
  }

  /** {@return where its name stands} */
  Token nameToken() {
    return nameToken;
  }

  /** {@return what it takes, of a method the object first} */
  List<Parameter> parameters() {
    return parameters;
  }

  /** {@return where {@code def} begins} */
  int start() {
    return head.start();
  }

  /** {@return the end of its last line} */
  int end() {
    return Math.max(head.end(), block.end());
  }

  /** {@return its statements, which are kept} */
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

  /** Reads its statements one by one; none is kept. */
  void read(Consumer<Statement> reader) {
    Lines lines = new Lines(head.text(), block.start(), block.end());
    for (Lines.Line line = lines.take(); line != null; line = lines.take()) {
      reader.accept(Statement.of(line));
    }
  }

  /** {@return how often each name is given a value, parameters once to begin with} */
  Map<String, Integer> assignments() {
    Map<String, Integer> counts = new HashMap<>();
    parameters.forEach(p -> counts.merge(p.name(), 1, Integer::sum));
    body().forEach(s -> s.assigned().forEach(n -> counts.merge(n, 1, Integer::sum)));
    return counts;
  }
}

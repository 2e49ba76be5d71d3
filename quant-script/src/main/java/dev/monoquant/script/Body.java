package dev.monoquant.script;

import dev.monoquant.QuantException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Rewrites one function, given what is known of its parameters: finds and rewrites all uses of
 * weights.
 *
 * <p>A weight is followed from an attribute to a local name that is set once, to a parameter of a
 * function whose source is available, or to an expression. If a use is not recognized, the decoded
 * tensor replaces the weight. If a line cannot be parsed and may contain weights, these are left
 * unquantized.
 */
final class Body {

  /** The most characters of a line in a message. */
  private static final int MAX_SHOWN = 100;

  private final Pass pass;
  private final String source;
  private final Scope scope;
  private final Evaluation expressions;
  private final Edits edits = new Edits();
  private final UseLog uses = new UseLog();
  private final Sharing sharing;

  private Body(Pass pass, String source, Scope scope, Sharing sharing) {
    this.pass = pass;
    this.source = source;
    this.scope = scope;
    this.sharing = sharing;
    this.expressions = new Evaluation(pass, source, scope, uses, sharing);
  }

  /**
   * Rewrites a function.
   *
   * @param pass what is known of the program
   * @param source the text of its file
   * @param function the function
   * @param parameters what is known of its parameters
   * @return the rewritten body
   */
  static Body of(Pass pass, String source, Function function, Map<String, Value> parameters) {
    return rewritten(
        pass, source, function, parameters, sharing(pass, source, function, parameters));
  }

  /**
   * Finds what a function calls, and which of its products share an input.
   *
   * @return what was found; nothing if no products share in this pass
   */
  static Sharing sharing(
      Pass pass, String source, Function function, Map<String, Value> parameters) {
    Sharing sharing = new Sharing(function);
    if (pass.shares()) {
      rewritten(pass, source, function, parameters, sharing);
      sharing.settle();
    }
    return sharing;
  }

  private static Body rewritten(
      Pass pass, String source, Function function, Map<String, Value> parameters, Sharing sharing) {
    Scope scope = new Scope(function, parameters);
    Body body = new Body(pass, source, scope, sharing);
    parameters.forEach(
        (name, value) -> {
          if (!scope.isSetOnce(name)) {
            body.uses.lose(value, "the parameter " + name + " is set anew");
          }
        });
    for (int i = 0; i < function.body().size(); i++) {
      sharing.begin(i);
      body.add(i, function.body().get(i));
      body.statement(function.body().get(i));
    }
    function.body().stream().filter(s -> !s.understood()).forEach(body::notUnderstood);
    return body;
  }

  /** {@return the uses of weights, including those in functions that it calls} */
  List<Use> uses() {
    return uses.all();
  }

  /** {@return the changes of the file} */
  Edits edits() {
    return edits;
  }

  /** Adds the lines that prepare inputs for this statement and later ones. */
  private void add(int index, Statement statement) {
    String lines = sharing.added(index);
    if (!lines.isEmpty()) {
      edits.replace(statement.line().start(), statement.line().start(), lines);
    }
  }

  private void statement(Statement statement) {
    statement.member().ifPresent(this::member);
    Optional<String> alias = statement.alias().filter(scope::isSetOnce);
    for (Expr value : statement.values()) {
      String text = alias.map(name -> bound(name, value)).orElseGet(() -> expressions.plain(value));
      if (!text.equals(source.substring(value.start(), value.end()))) {
        edits.replace(value.start(), value.end(), text);
      }
    }
  }

  /** Records the value of a local name that is set once and may be a weight or a module. */
  private String bound(String name, Expr value) {
    Recognizer.Result result = expressions.eval(value);
    scope.put(name, result.value());
    return result.text();
  }

  /** Records an assignment to an attribute, which must be neither a weight nor a module. */
  private void member(Expr.Member target) {
    Recognizer.Result base = expressions.eval(target.base());
    if (base.value() instanceof Value.OfModule module) {
      Value value = module.attribute(target.name(), base.text());
      uses.lose(value, "the code sets it");
      if (value instanceof Value.OfTensor) {
        pass.isSet(module.type(), target.name());
      }
    }
  }

  private void notUnderstood(Statement statement) {
    List<Token> tokens = statement.line().tokens();
    for (int i = 0; i < tokens.size(); i++) {
      Token token = tokens.get(i);
      if (!token.isName() || (i > 0 && tokens.get(i - 1).is("."))) {
        continue;
      }
      String detail = "a line of the code is not understood: " + shown(statement.line());
      uses.lose(scope.of(token.text()), detail);
      if (token.is("CONSTANTS") && i + 2 < tokens.size()) {
        pass.constant(tokens.get(i + 2).text())
            .ifPresent(slot -> uses.add(Use.forbidden(slot, detail)));
      }
    }
  }

  private String shown(Lines.Line line) {
    StringBuilder text = new StringBuilder();
    for (int at = line.start(); at < line.end() && text.length() <= MAX_SHOWN; at++) {
      char c = source.charAt(at);
      boolean blank = Character.isWhitespace(c);
      if (!blank || !Character.isWhitespace(source.charAt(at - 1))) {
        text.append(blank ? ' ' : c);
      }
    }
    return QuantException.quote(
        text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + "..." : text.toString());
  }
}

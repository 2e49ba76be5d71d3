package dev.monoquant.io.script;

import dev.monoquant.QuantException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One function with what is known of its parameters: finds all uses of weights in it and writes
 * each anew.
 *
 * <p>A weight goes from an attribute into a local name that is set once, into a parameter of a
 * function whose source is known, or into an expression. Where the use is not recognised, the
 * decoded tensor is put in its place; where a line is not understood and weights may be in it, they
 * may not be held.
 */
final class Body {

  /**
   * An expression, rewritten.
   *
   * @param text what to write
   * @param value what is known of it
   */
  record Result(String text, Value value) {}

  /** What takes the weights of a layer as one list. */
  private static final Set<String> RECURRENT =
      Set.of("torch.lstm", "torch.gru", "torch.rnn_tanh", "torch.rnn_relu");

  /** Of a line in a message, in characters. */
  private static final int MAX_SHOWN = 100;

  private final Pass pass;
  private final String source;
  private final Map<String, Integer> assignments;
  private final Map<String, Value> locals;
  private final Optional<Value.OfModule> self;
  private final String selfName;
  private final Edits edits = new Edits();
  private final UseLog uses = new UseLog();

  private Body(Pass pass, String source, Function function, Map<String, Value> parameters) {
    this.pass = pass;
    this.source = source;
    this.assignments = function.assignments();
    this.locals = new HashMap<>(parameters);
    this.selfName = function.parameters().isEmpty() ? "" : function.parameters().get(0).name();
    this.self =
        Optional.ofNullable(parameters.get(selfName))
            .filter(v -> v instanceof Value.OfModule m && m.owner().equals(Pass.SELF))
            .map(v -> (Value.OfModule) v);
  }

  /**
   * Rewrites a function.
   *
   * @param pass what is known of the program
   * @param source the file it stands in
   * @param function the function
   * @param parameters what is known of its parameters
   * @return the body, rewritten
   */
  static Body of(Pass pass, String source, Function function, Map<String, Value> parameters) {
    Map<String, Value> once = new LinkedHashMap<>();
    Map<String, Integer> assignments = function.assignments();
    parameters.forEach(
        (name, value) -> {
          if (assignments.getOrDefault(name, 0) == 1) {
            once.put(name, value);
          }
        });
    Body body = new Body(pass, source, function, once);
    parameters.forEach(
        (name, value) -> {
          if (!once.containsKey(name)) {
            body.uses.lose(value, "the parameter " + name + " is set anew");
          }
        });
    function.body().forEach(body::statement);
    function.body().stream().filter(s -> !s.understood()).forEach(body::notUnderstood);
    return body;
  }

  /** {@return the places where weights are used, those in functions it calls too} */
  List<Use> uses() {
    return uses.all();
  }

  /** {@return what to change in the file} */
  Edits edits() {
    return edits;
  }

  private void statement(Statement statement) {
    statement.member().ifPresent(this::member);
    Optional<String> alias = statement.alias().filter(n -> assignments.getOrDefault(n, 0) == 1);
    for (Expr value : statement.values()) {
      String text;
      if (alias.isPresent()) {
        Result result = eval(value);
        locals.put(alias.get(), result.value());
        text = result.text();
      } else {
        text = plain(value);
      }
      if (!text.equals(source.substring(value.start(), value.end()))) {
        edits.replace(value.start(), value.end(), text);
      }
    }
  }

  /** An attribute that is set: a weight or a module must not be. */
  private void member(Expr.Member target) {
    Result base = eval(target.base());
    if (base.value() instanceof Value.OfModule module) {
      Value value = module.type().attribute(target.name(), module.owner(), base.text());
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
      uses.lose(locals.getOrDefault(token.text(), Value.UNKNOWN), detail);
      if (token.is("CONSTANTS") && i + 2 < tokens.size()) {
        pass.constant(tokens.get(i + 2).text())
            .ifPresent(slot -> uses.add(Use.forbidden(slot, detail)));
      }
    }
  }

  private String shown(Lines.Line line) {
    String text = source.substring(line.start(), line.end()).replaceAll("\\s+", " ");
    return QuantException.quote(
        text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + "..." : text);
  }

  /** A list of tensors of a module, written out: the decoded tensor of each that is held. */
  private String listed(Value.OfList list) {
    List<String> texts = new ArrayList<>();
    list.items()
        .forEach(
            (attribute, slot) -> {
              String text = "getattr(" + list.module() + ", \"" + attribute + "\")";
              texts.add(slot.isPresent() ? "(" + text + ").tensor()" : text);
              slot.ifPresent(s -> uses.add(Use.of(s, Use.Kind.OTHER)));
            });
    return "[" + String.join(", ", texts) + "]";
  }

  /** An expression where a plain value is wanted. */
  private String plain(Expr expr) {
    return settled(eval(expr));
  }

  private String settled(Result result) {
    if (result.value() instanceof Value.Held held) {
      uses.add(Use.of(held.slot(), Use.Kind.OTHER));
      String tensor = "(" + result.text() + ").tensor()";
      return held.transposed() ? "torch.transpose(" + tensor + ", 0, 1)" : tensor;
    }
    uses.lose(result.value(), "its module or list is used in a way that is not followed");
    return result.text();
  }

  private Result eval(Expr expr) {
    if (expr instanceof Expr.Name name) {
      return new Result(
          name.name(),
          assignments.containsKey(name.name())
              ? locals.getOrDefault(name.name(), Value.UNKNOWN)
              : new Value.Global(name.name()));
    }
    if (expr instanceof Expr.Paren paren) {
      Result inner = eval(paren.inner());
      return new Result("(" + inner.text() + ")", inner.value());
    }
    if (expr instanceof Expr.Member member) {
      return attribute(eval(member.base()), member);
    }
    if (expr instanceof Expr.Call call) {
      return call(call);
    }
    return new Result(
        splice(expr, expr.children(), expr.children().stream().map(this::plain).toList()),
        Value.UNKNOWN);
  }

  private Result attribute(Result base, Expr.Member member) {
    String text = base.text() + source.substring(member.base().end(), member.end());
    if (base.value() instanceof Value.OfModule module) {
      return new Result(text, module.type().attribute(member.name(), module.owner(), base.text()));
    }
    if (base.value() instanceof Value.Global global) {
      return global.name().equals("CONSTANTS")
          ? constant(member.name(), text)
          : new Result(text, new Value.Global(global.name() + "." + member.name()));
    }
    return new Result(
        settled(base) + source.substring(member.base().end(), member.end()), Value.UNKNOWN);
  }

  private Result constant(String name, String text) {
    Optional<Slot> slot = pass.constant(name);
    if (slot.isEmpty()) {
      return new Result(text, Value.UNKNOWN);
    }
    Optional<String> attribute = self.flatMap(s -> pass.attributeOf(s.type(), slot.get()));
    if (attribute.isEmpty()) {
      uses.add(Use.forbidden(slot.get(), "code outside of the root module uses it"));
      return new Result(text, Value.UNKNOWN);
    }
    return new Result(
        selfName + "." + attribute.get(), new Value.Held(slot.get(), false, Slot.CONSTANTS));
  }

  private Result call(Expr.Call call) {
    List<Expr> values = call.arguments().stream().map(Expr.Argument::value).toList();
    if (call.callee() instanceof Expr.Member member) {
      Result base = eval(member.base());
      if (base.value() instanceof Value.OfModule module) {
        return method(call, member, base, module, evalAll(values));
      }
      Result callee = attribute(base, member);
      return callee.value() instanceof Value.Global global
          ? global(call, global.name(), callee.text(), evalAll(values))
          : other(call, settled(callee), evalAll(values));
    }
    Result callee = eval(call.callee());
    return callee.value() instanceof Value.Global global
        ? global(call, global.name(), callee.text(), evalAll(values))
        : other(call, settled(callee), evalAll(values));
  }

  private List<Result> evalAll(List<Expr> exprs) {
    return exprs.stream().map(this::eval).toList();
  }

  private Result method(
      Expr.Call call,
      Expr.Member member,
      Result base,
      Value.OfModule module,
      List<Result> arguments) {
    int nameAt = member.end() - member.name().length();
    String before = base.text() + source.substring(member.base().end(), nameAt);
    Optional<Pass.Target> target =
        module.type().method(member.name()).map(m -> Pass.Target.method(module.type(), m));
    return target
        .flatMap(t -> known(call, t, before + member.name(), before, arguments))
        .orElseGet(() -> other(call, before + member.name(), arguments));
  }

  private Result global(Expr.Call call, String name, String text, List<Result> arguments) {
    if (name.equals("getattr") && arguments.size() == 2) {
      return getattr(call, text, arguments);
    }
    if ((name.equals("annotate") || name.equals("unchecked_cast"))
        && arguments.size() == 2
        && arguments.get(1).value() instanceof Value.Held
        && arguments.get(0).text().equals("Tensor")) {
      return arguments.get(1);
    }
    Optional<Recognizer.Match> match = Recognizer.match(name, call, arguments, this::settled);
    if (match.isPresent()) {
      match.get().use().ifPresent(uses::add);
      return new Result(match.get().text(), match.get().value());
    }
    if (RECURRENT.contains(name)) {
      List<String> texts = new ArrayList<>();
      arguments.forEach(
          a -> texts.add(a.value() instanceof Value.OfList list ? listed(list) : settled(a)));
      return new Result(arguments(call, text, texts), Value.UNKNOWN);
    }
    if (name.startsWith("torch.") && name.endsWith("_") && !name.endsWith("__")) {
      arguments.forEach(a -> uses.lose(a.value(), name + " changes it"));
    }
    return pass.free(name)
        .flatMap(t -> known(call, t, text, name.substring(0, name.lastIndexOf('.') + 1), arguments))
        .orElseGet(() -> other(call, text, arguments));
  }

  private Result getattr(Expr.Call call, String text, List<Result> arguments) {
    if (arguments.get(0).value() instanceof Value.OfModule module
        && call.arguments().get(1).value() instanceof Expr.Text quoted
        && quoted.plain().isPresent()) {
      return new Result(
          arguments(call, text, arguments.stream().map(Result::text).toList()),
          module.type().attribute(quoted.plain().get(), module.owner(), arguments.get(0).text()));
    }
    return other(call, text, arguments);
  }

  /** A call of a function whose source is known: holders and modules may be passed to it. */
  private Optional<Result> known(
      Expr.Call call, Pass.Target target, String callee, String prefix, List<Result> arguments) {
    List<Value> values = arguments.stream().map(Result::value).toList();
    Optional<Pass.Special> special = pass.special(target, call, values);
    if (special.isPresent() && !special.get().accepted()) {
      special.get().body().uses().stream()
          .filter(u -> u.kind() == Use.Kind.FORBIDDEN)
          .forEach(uses::add);
      return Optional.empty();
    }
    if (!pass.takesModules(target, values)) {
      return Optional.empty();
    }
    special.ifPresent(s -> uses.addAll(s.body().uses()));
    List<String> texts = new ArrayList<>();
    for (Result argument : arguments) {
      boolean kept =
          argument.value() instanceof Value.OfModule
              || (special.isPresent() && argument.value() instanceof Value.Held);
      texts.add(kept ? argument.text() : settled(argument));
    }
    String text = special.map(s -> prefix + s.name()).orElse(callee);
    return Optional.of(new Result(arguments(call, text, texts), Value.UNKNOWN));
  }

  private Result other(Expr.Call call, String callee, List<Result> arguments) {
    return new Result(
        arguments(call, callee, arguments.stream().map(this::settled).toList()), Value.UNKNOWN);
  }

  private String arguments(Expr.Call call, String callee, List<String> texts) {
    List<Expr> children = call.children();
    List<String> all = new ArrayList<>();
    all.add(callee);
    all.addAll(texts);
    return splice(call, children, all);
  }

  /** The source of an expression with the texts of its children put in. */
  private String splice(Expr expr, List<Expr> children, List<String> texts) {
    StringBuilder out = new StringBuilder();
    int at = expr.start();
    for (int i = 0; i < children.size(); i++) {
      out.append(source, at, children.get(i).start()).append(texts.get(i));
      at = children.get(i).end();
    }
    return out.append(source, at, expr.end()).toString();
  }
}

package dev.monoquant.script;

import dev.monoquant.script.Recognizer.Result;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Evaluates the expressions of one function: determines what is known of each value, and rewrites
 * the text of those that use a weight.
 *
 * <p>A weight is followed from an attribute to a parameter of a function whose source is available,
 * to a call that its holder replaces (see {@link Recognizer}), or to any other expression, where
 * the decoded tensor replaces it. Each use is recorded. The text around changed children is copied
 * exactly.
 */
final class Evaluation {

  /** Functions that take the weights of a layer as one list. */
  private static final Set<String> RECURRENT =
      Set.of("torch.lstm", "torch.gru", "torch.rnn_tanh", "torch.rnn_relu");

  /**
   * Functions that refuse some strides, with those that copy then. Int8 convolutions return tensors
   * with the channels last, where those of the original have them second.
   */
  private static final Map<String, String> SAFE =
      Map.of("torch.view", "torch.reshape", "torch.view_as", "torch.reshape_as");

  private final Pass pass;
  private final String source;
  private final Scope scope;
  private final UseLog uses;
  private final Sharing sharing;

  /**
   * @param pass what is known of the program
   * @param source the text of the file of the function
   * @param scope what is known of its names
   * @param uses receives the uses of weights
   * @param sharing which products share their input
   */
  Evaluation(Pass pass, String source, Scope scope, UseLog uses, Sharing sharing) {
    this.pass = pass;
    this.source = source;
    this.scope = scope;
    this.uses = uses;
    this.sharing = sharing;
  }

  /** Rewrites an expression whose value must be a plain value. */
  String plain(Expr expr) {
    return settled(eval(expr), "");
  }

  /**
   * Returns the text of a plain value; for a weight, its decoded tensor.
   *
   * @param by the function that takes it, for the report; may be empty
   */
  private String settled(Result result, String by) {
    if (result.value() instanceof Value.Held held) {
      uses.add(Use.other(held.slot(), by));
      return held.decoded(result.text());
    }
    uses.lose(result.value(), "its module or list is used in a way that is not followed");
    return result.text();
  }

  /** Rewrites an expression and determines its value. */
  Result eval(Expr expr) {
    if (expr instanceof Expr.Name name) {
      return new Result(name.name(), scope.of(name.name()));
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
      return new Result(text, module.attribute(member.name(), base.text()));
    }
    if (base.value() instanceof Value.Global global) {
      return global.name().equals("CONSTANTS")
          ? constant(member.name(), text)
          : new Result(text, new Value.Global(global.name() + "." + member.name()));
    }
    return new Result(
        settled(base, "") + source.substring(member.base().end(), member.end()), Value.UNKNOWN);
  }

  private Result constant(String name, String text) {
    Optional<Slot> slot = pass.constant(name);
    if (slot.isEmpty()) {
      return new Result(text, Value.UNKNOWN);
    }
    Optional<String> attribute = scope.self().flatMap(s -> pass.attributeOf(s.type(), slot.get()));
    if (attribute.isEmpty()) {
      uses.add(Use.forbidden(slot.get(), "code outside of the root module uses it"));
      return new Result(text, Value.UNKNOWN);
    }
    return new Result(
        scope.selfName() + "." + attribute.get(), Value.Held.of(slot.get(), Slot.CONSTANTS));
  }

  private Result call(Expr.Call call) {
    List<Expr> values = call.arguments().stream().map(Expr.Argument::value).toList();
    if (call.callee() instanceof Expr.Member member) {
      Result base = eval(member.base());
      if (base.value() instanceof Value.OfModule module) {
        return method(call, member, base, module, evalAll(values));
      }
      return named(call, attribute(base, member), values);
    }
    return named(call, eval(call.callee()), values);
  }

  private Result named(Expr.Call call, Result callee, List<Expr> values) {
    if (!(callee.value() instanceof Value.Global global)) {
      sharing.changes();
      return other(call, settled(callee, ""), "", evalAll(values));
    }
    Optional<Result> product =
        global.name().equals("torch.einsum") ? einsum(call, values) : Optional.empty();
    return product.orElseGet(() -> global(call, global.name(), callee.text(), evalAll(values)));
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
    if (target.filter(pass::isPure).isEmpty()) {
      sharing.changes();
    }
    Optional<Result> shared = target.flatMap(t -> shared(call, t, base, module, arguments));
    if (shared.isPresent()) {
      return shared.get();
    }
    return target
        .flatMap(t -> known(call, t, before + member.name(), before, arguments))
        .orElseGet(() -> other(call, before + member.name(), "", arguments));
  }

  /** Rewrites a call of a layer whose input is prepared for several. */
  private Optional<Result> shared(
      Expr.Call call,
      Pass.Target target,
      Result base,
      Value.OfModule module,
      List<Result> arguments) {
    Optional<PlainLinear> linear =
        pass.shares() && call.arguments().size() == 1 && call.positional(0).isPresent()
            ? PlainLinear.of(target.function())
            : Optional.empty();
    if (linear.isEmpty()
        || !(module.attribute(linear.get().weight(), base.text()) instanceof Value.Held held)) {
      return Optional.empty();
    }
    String holder = "(" + base.text() + ")." + linear.get().weight();
    String bias = linear.get().bias().map(b -> "(" + base.text() + ")." + b).orElse("None");
    return shared(call, held, holder, arguments.get(0), bias);
  }

  private Optional<Result> shared(
      Expr.Call call, Value.Held held, String holder, Result input, String bias) {
    Use use = Use.product(held.slot(), false, Optional.empty());
    if (!pass.shares(held.slot().holder())
        || !held.isOwn()
        || !held.isMatrix()
        || held.transposed()
        || !use.isAllowed()) {
      return Optional.empty();
    }
    sharing.find(call, call.arguments().get(0).value(), held.slot().holder(), holder);
    return sharing
        .prepared(call)
        .map(
            prepared -> {
              uses.add(use);
              String text = settled(input, "");
              return new Result(
                  "(" + holder + ").linear_of(" + text + ", " + prepared + ", " + bias + ", )",
                  Value.UNKNOWN);
            });
  }

  private Result global(Expr.Call call, String name, String text, List<Result> arguments) {
    Optional<Pass.Target> free = pass.free(name);
    if (free.isEmpty()) {
      sharing.calls(call, name);
    } else if (!pass.isPure(free.get())) {
      sharing.changes();
    }
    if (name.equals("getattr") && arguments.size() == 2) {
      return getattr(call, text, arguments);
    }
    if ((name.equals("annotate") || name.equals("unchecked_cast"))
        && arguments.size() == 2
        && arguments.get(1).value() instanceof Value.Held
        && arguments.get(0).text().equals("Tensor")) {
      return arguments.get(1);
    }
    Optional<Recognizer.Match> match =
        Recognizer.match(
            name,
            call,
            arguments,
            scope,
            a -> settled(a, name),
            texts -> arguments(call, text, texts));
    if (match.isPresent()
        && name.equals("torch.linear")
        && arguments.get(1).value() instanceof Value.Held held) {
      String bias = arguments.size() > 2 ? settled(arguments.get(2), name) : "None";
      Optional<Result> shared = shared(call, held, arguments.get(1).text(), arguments.get(0), bias);
      if (shared.isPresent()) {
        return shared.get();
      }
    }
    if (match.isPresent()) {
      match.get().use().ifPresent(uses::add);
      return new Result(match.get().text(), match.get().value());
    }
    if (RECURRENT.contains(name)) {
      List<String> texts = new ArrayList<>();
      arguments.forEach(
          a ->
              texts.add(
                  a.value() instanceof Value.OfList list ? listed(list, name) : settled(a, name)));
      return new Result(arguments(call, text, texts), Value.UNKNOWN);
    }
    if (name.startsWith("torch.") && name.endsWith("_") && !name.endsWith("__")) {
      arguments.forEach(a -> uses.lose(a.value(), name + " changes it"));
    }
    String callee =
        pass.replacement(name, call)
            .orElse(pass.convolves() ? SAFE.getOrDefault(name, text) : text);
    return free.flatMap(
            t -> known(call, t, text, name.substring(0, name.lastIndexOf('.') + 1), arguments))
        .orElseGet(() -> other(call, callee, name, arguments));
  }

  /**
   * Rewrites a product with a weight. Its operands are a list, in which weights are otherwise not
   * followed.
   */
  private Optional<Result> einsum(Expr.Call call, List<Expr> values) {
    if (values.size() != 2
        || !(values.get(0) instanceof Expr.Text equation)
        || !(values.get(1) instanceof Expr.Display operands)
        || operands.items().size() != 2) {
      return Optional.empty();
    }
    Optional<String> text = equation.plain();
    Expr first = operands.items().get(0);
    Expr second = operands.items().get(1);
    return einsum(call, text, first, second)
        .or(() -> einsum(call, text.flatMap(Einsum::swapped), second, first));
  }

  private Optional<Result> einsum(
      Expr.Call call, Optional<String> equation, Expr input, Expr matrix) {
    Optional<Boolean> transposed = equation.flatMap(Einsum::transposed);
    if (transposed.isEmpty()) {
      return Optional.empty();
    }
    Result weight = eval(matrix);
    if (!(weight.value() instanceof Value.Held held) || !held.isMatrix()) {
      return Optional.empty();
    }
    Use use = Use.product(held.slot(), transposed.get() ^ held.transposed(), Optional.empty());
    if (!use.isAllowed()) {
      return Optional.empty();
    }
    uses.add(use);
    String text =
        held.slot().isObserved()
            ? observedSum(call, held.decoded(weight.text()), weight.text(), input, matrix)
            : held.linear(weight.text(), plain(input), "None");
    return Optional.of(new Result(text, Value.UNKNOWN));
  }

  /** {@return the same call with an operand that the holder observes} */
  private String observedSum(
      Expr.Call call, String decoded, String holder, Expr input, Expr matrix) {
    String seen = "(" + holder + ").rows(" + plain(input) + ", -1, )";
    return input.start() < matrix.start()
        ? splice(call, List.of(input, matrix), List.of(seen, decoded))
        : splice(call, List.of(matrix, input), List.of(decoded, seen));
  }

  private Result getattr(Expr.Call call, String text, List<Result> arguments) {
    if (arguments.get(0).value() instanceof Value.OfModule module
        && call.arguments().get(1).value() instanceof Expr.Text quoted
        && quoted.plain().isPresent()) {
      return new Result(
          arguments(call, text, arguments.stream().map(Result::text).toList()),
          module.attribute(quoted.plain().get(), arguments.get(0).text()));
    }
    return other(call, text, "", arguments);
  }

  /** Writes a list of tensors of a module, with the decoded tensor of each quantized weight. */
  private String listed(Value.OfList list, String by) {
    List<String> texts = new ArrayList<>();
    list.items()
        .forEach(
            (attribute, slot) -> {
              String text = "getattr(" + list.module() + ", \"" + attribute + "\")";
              texts.add(slot.isPresent() ? "(" + text + ").tensor()" : text);
              slot.ifPresent(s -> uses.add(Use.other(s, by)));
            });
    return "[" + String.join(", ", texts) + "]";
  }

  /**
   * Rewrites a call of a function whose source is available; its arguments may be holders and
   * modules.
   */
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
              || (special.isPresent()
                  && argument.value() instanceof Value.Held held
                  && held.isOwn());
      texts.add(kept ? argument.text() : settled(argument, ""));
    }
    String text = special.map(s -> prefix + s.name()).orElse(callee);
    return Optional.of(new Result(arguments(call, text, texts), Value.UNKNOWN));
  }

  private Result other(Expr.Call call, String callee, String name, List<Result> arguments) {
    return new Result(
        arguments(call, callee, arguments.stream().map(a -> settled(a, name)).toList()),
        Value.UNKNOWN);
  }

  private String arguments(Expr.Call call, String callee, List<String> texts) {
    List<Expr> children = call.children();
    List<String> all = new ArrayList<>();
    all.add(callee);
    all.addAll(texts);
    return splice(call, children, all);
  }

  /** Replaces the texts of the children in the source of an expression. */
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

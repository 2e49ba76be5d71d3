package dev.monoquant.script;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Recognizes calls of torch that a holder can replace.
 *
 * <p>Products: {@code torch.linear(x, w, b)}, {@code torch.addmm(b, x, w)}, also with literal
 * factors, {@code torch.matmul(x, w)}, {@code torch.inner(x, w)}, {@code torch.mm(x, w)}, {@code
 * torch.mm(w, x)} and {@code torch.mv(w, x)}. Look-ups: {@code torch.embedding(w, ids, ...)}.
 * Convolutions: see {@link Window}; by a matrix with axes of length 1 added they are products.
 * Other forms of a weight: see {@link Forms}. Calls that only query the shape or the type.
 */
final class Recognizer {

  private static final Set<String> METADATA =
      Set.of(
          "torch.size",
          "torch.dim",
          "torch.len",
          "torch.numel",
          "torch.is_floating_point",
          "torch.__is__",
          "torch.__isnot__",
          "ops.prim.dtype",
          "ops.prim.requires_grad",
          "ops.prim.device");

  private static final String LAST_AXIS = ", -1, )";

  /**
   * A rewritten expression.
   *
   * @param text its new text
   * @param value what is known of its value
   */
  record Result(String text, Value value) {}

  /**
   * A recognized call.
   *
   * @param text the replacement
   * @param value its value
   * @param use how it uses the weight; empty if it only passes the weight on
   */
  record Match(String text, Value value, Optional<Use> use) {}

  private final String op;
  private final Expr.Call call;
  private final List<Result> arguments;
  private final java.util.function.Function<Result, String> plain;
  private final java.util.function.Function<List<String>, String> same;

  private Recognizer(
      String op,
      Expr.Call call,
      List<Result> arguments,
      java.util.function.Function<Result, String> plain,
      java.util.function.Function<List<String>, String> same) {
    this.op = op;
    this.call = call;
    this.arguments = arguments;
    this.plain = plain;
    this.same = same;
  }

  /**
   * Recognizes a call.
   *
   * @param op the dotted name of the function
   * @param call the call
   * @param arguments its rewritten arguments
   * @param scope the names of the function that contains it
   * @param plain returns the text of an argument as a plain tensor
   * @param same returns the text of the same call with other arguments
   * @return the match; empty if the call is not recognized
   */
  static Optional<Match> match(
      String op,
      Expr.Call call,
      List<Result> arguments,
      Scope scope,
      java.util.function.Function<Result, String> plain,
      java.util.function.Function<List<String>, String> same) {
    Recognizer recognizer = new Recognizer(op, call, arguments, plain, same);
    Optional<Value.Held> form = recognizer.held(0).flatMap(w -> Forms.of(op, call, w, scope));
    if (form.isPresent()) {
      return Optional.of(new Match(arguments.get(0).text(), form.get(), Optional.empty()));
    }
    if (call.arguments().stream().noneMatch(a -> a.keyword().isPresent())) {
      return recognizer.match();
    }
    return op.equals("torch.addmm") ? recognizer.scaledSum() : Optional.empty();
  }

  private Optional<Match> match() {
    if (METADATA.contains(op)) {
      return held(0).flatMap(this::metadata);
    }
    return switch (op) {
      case "torch.linear" ->
          count(2, 3)
              ? held(1).flatMap(w -> product(0, 1, 2, w, w.transposed()))
              : Optional.empty();
      case "torch.addmm" ->
          count(3, 3)
              ? held(2).flatMap(w -> product(1, 2, 0, w, !w.transposed()))
              : Optional.empty();
      case "torch.matmul" -> factor();
      case "torch.inner" ->
          count(2, 2)
              ? held(1).flatMap(w -> product(0, 1, 2, w, w.transposed()))
              : Optional.empty();
      case "torch.mv" ->
          count(2, 2)
              ? held(0).flatMap(w -> product(1, 0, 2, w, w.transposed()))
              : Optional.empty();
      case "torch.mm" -> held(0).isPresent() ? firstFactor() : factor();
      case "torch.embedding" ->
          held(0)
              .filter(w -> w.isWhole() && !w.transposed() && arguments.size() > 1)
              .flatMap(this::embedding);
      default -> Window.of(op, call).flatMap(this::convolution);
    };
  }

  private boolean count(int least, int most) {
    return arguments.size() >= least && arguments.size() <= most;
  }

  private Optional<Value.Held> held(int index) {
    return index < arguments.size() && arguments.get(index).value() instanceof Value.Held held
        ? Optional.of(held)
        : Optional.empty();
  }

  private String text(int index) {
    return index < arguments.size() ? plain.apply(arguments.get(index)) : "None";
  }

  /** {@code torch.matmul(x, w)}. */
  private Optional<Match> factor() {
    return count(2, 2)
        ? held(1).flatMap(w -> product(0, 1, 2, w, !w.transposed()))
        : Optional.empty();
  }

  /** {@code torch.mm(w, x)}, which is the transpose of {@code torch.mm(x.T, w.T)}. */
  private Optional<Match> firstFactor() {
    return count(2, 2)
        ? held(0)
            .filter(Value.Held::isMatrix)
            .flatMap(
                w ->
                    match(
                        Use.product(w.slot(), w.transposed(), Optional.empty()),
                        new Input(1, 0, ").rows(", ", 0, )"),
                        () ->
                            "torch.contiguous(torch.t("
                                + w.linear(holder(0), "torch.t(" + text(1) + ")", "None")
                                + "))"))
        : Optional.empty();
  }

  /** {@code torch.addmm(b, x, w, beta=2, alpha=0.5)}. */
  private Optional<Match> scaledSum() {
    Map<String, String> factors = new HashMap<>();
    for (Expr.Argument argument :
        call.arguments().subList(Math.min(3, arguments.size()), arguments.size())) {
      if (!(argument.value() instanceof Expr.Numeral number) || number.text().equals("0")) {
        return Optional.empty(); // With a factor of 0, torch ignores even NaN.
      }
      factors.put(argument.keyword().orElse(""), number.text());
    }
    if (call.positional(2).isEmpty() || !Set.of("beta", "alpha").containsAll(factors.keySet())) {
      return Optional.empty();
    }
    return held(2)
        .filter(Value.Held::isMatrix)
        .flatMap(
            w ->
                match(
                    Use.product(w.slot(), !w.transposed(), Optional.empty()),
                    new Input(1, 2, ").rows(", LAST_AXIS),
                    () ->
                        "torch.add("
                            + times(text(0), factors.get("beta"))
                            + ", "
                            + times(w.linear(holder(2), text(1), "None"), factors.get("alpha"))
                            + ")"));
  }

  private static String times(String text, @Nullable String factor) {
    return factor == null ? text : "torch.mul(" + text + ", " + factor + ")";
  }

  /**
   * The argument that a weight is applied to.
   *
   * @param index its index; -1 if there is none
   * @param weight the index of the weight
   * @param method the call by which a holder observes it, between holder and argument
   * @param end the end of that call
   */
  private record Input(int index, int weight, String method, String end) {

    static Input none(int weight) {
      return new Input(-1, weight, "", "");
    }
  }

  /** The text is created last, because this records uses of the other arguments. */
  private Optional<Match> match(Use use, Input input, Supplier<String> text) {
    if (!use.isAllowed()) {
      return Optional.empty();
    }
    String made = use.slot().isObserved() ? observed(input) : text.get();
    return Optional.of(new Match(made, Value.UNKNOWN, Optional.of(use)));
  }

  /** {@return the same call with an argument that the holder observes} */
  private String observed(Input input) {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < arguments.size(); i++) {
      String text =
          i == input.weight() && arguments.get(i).value() instanceof Value.Held held
              ? held.decoded(holder(i))
              : text(i);
      boolean seen = i == input.index();
      texts.add(seen ? "(" + holder(input.weight()) + input.method() + text + input.end() : text);
    }
    return same.apply(texts);
  }

  private String holder(int index) {
    return arguments.get(index).text();
  }

  private Optional<Match> product(
      int input, int weight, int bias, Value.Held held, boolean transposed) {
    if (!held.isMatrix()) {
      return Optional.empty();
    }
    Optional<String> attribute =
        bias < arguments.size()
            ? beside(arguments.get(bias).value(), held.owner())
            : Optional.empty();
    return match(
        Use.product(held.slot(), transposed, attribute),
        new Input(input, weight, ").rows(", LAST_AXIS),
        () -> held.linear(holder(weight), text(input), text(bias)));
  }

  /** {@return the attribute for a tensor of the same module} */
  private static Optional<String> beside(Value value, String owner) {
    if (value instanceof Value.OfTensor own && own.owner().equals(owner)) {
      return Optional.of(own.attribute());
    }
    return value instanceof Value.Held held
            && held.isOwn()
            && !held.transposed()
            && held.owner().equals(owner)
        ? Optional.of(held.slot().attribute())
        : Optional.empty();
  }

  private Optional<Match> embedding(Value.Held held) {
    return match(
        Use.of(held.slot(), Use.Kind.EMBEDDING),
        new Input(1, 0, ").indices(", ", )"),
        () -> held.cast("(" + holder(0) + ").embed(" + text(1) + ", )"));
  }

  private Optional<Match> metadata(Value.Held held) {
    if (!held.isOwn()) {
      return Optional.empty();
    }
    return match(
        Use.of(held.slot(), Use.Kind.METADATA),
        Input.none(0),
        () -> {
          String shape = "(" + holder(0) + ").shape_only()";
          StringBuilder out = new StringBuilder(op).append('(');
          out.append(held.transposed() ? "torch.transpose(" + shape + ", 0, 1)" : shape);
          for (int i = 1; i < arguments.size(); i++) {
            out.append(", ").append(text(i));
          }
          return out.append(')').toString();
        });
  }

  private Optional<Match> convolution(Window window) {
    return held(1)
        .filter(w -> !w.transposed())
        .flatMap(w -> w.isWhole() ? convolution(window, w) : pointwise(window, w));
  }

  private Optional<Match> convolution(Window window, Value.Held held) {
    return match(
        Use.convolution(held.slot(), window),
        new Input(0, 1, ").windows(", ", )"),
        () -> held.convolution(holder(1), text(0), text(2)));
  }

  /** A convolution by a matrix: a product along the axis of the channels. */
  private Optional<Match> pointwise(Window window, Value.Held held) {
    int spatial = window.stride().size();
    if (!held.slot().form().point() || held.axes() != spatial + 2 || !window.isPoint()) {
      return Optional.empty();
    }
    int channels = -1 - spatial;
    return match(
        Use.product(held.slot(), false, Optional.empty()),
        new Input(0, 1, ").rows(", ", " + channels + ", )"),
        () ->
            "torch.contiguous(torch.movedim("
                + held.linear(
                    holder(1), "torch.movedim(" + text(0) + ", " + channels + ", -1)", text(2))
                + ", -1, "
                + channels
                + "))");
  }
}

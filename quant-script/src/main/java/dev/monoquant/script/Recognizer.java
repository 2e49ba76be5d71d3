package dev.monoquant.script;

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
 * factors, {@code torch.matmul(x, w)}, {@code torch.mm(x, w)} and {@code torch.mm(w, x)}. Look-ups:
 * {@code torch.embedding(w, ids, ...)}. Convolutions: see {@link Window}. Swapped axes: {@code
 * torch.t(w)} and {@code torch.transpose(w, 0, 1)}; of a matrix also {@code w.T}, {@code w.mT},
 * {@code w.permute(1, 0)} and {@code w.transpose(-1, -2)}. Calls that do not change the weight:
 * {@code torch.detach(w)}, {@code torch.contiguous(w)}, and {@code torch.to} with the properties
 * that it already has. Calls that only query the shape or the type.
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
          "ops.prim.device");

  private static final Set<String> SWAPPED = Set.of("0,1", "1,0");
  private static final Set<String> LAST_SWAPPED = Set.of("-1,-2", "-2,-1");

  /** The number of FLOAT32 in torch. */
  private static final int FLOAT = 6;

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

  private Recognizer(
      String op,
      Expr.Call call,
      List<Result> arguments,
      java.util.function.Function<Result, String> plain) {
    this.op = op;
    this.call = call;
    this.arguments = arguments;
    this.plain = plain;
  }

  /**
   * Recognizes a call.
   *
   * @param op the dotted name of the function
   * @param call the call
   * @param arguments its rewritten arguments
   * @param plain returns the text of an argument as a plain tensor
   * @return the match; empty if the call is not recognized
   */
  static Optional<Match> match(
      String op,
      Expr.Call call,
      List<Result> arguments,
      java.util.function.Function<Result, String> plain) {
    Recognizer recognizer = new Recognizer(op, call, arguments, plain);
    if (call.arguments().stream().noneMatch(a -> a.keyword().isPresent())) {
      return recognizer.match();
    }
    return switch (op) {
      case "torch.addmm" -> recognizer.scaledSum();
      case "torch.to" -> recognizer.sameType();
      default -> Optional.empty();
    };
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
      case "torch.mm" -> held(0).isPresent() ? firstFactor() : factor();
      case "torch.embedding" ->
          held(0).filter(w -> !w.transposed() && arguments.size() > 1).flatMap(this::embedding);
      case "torch.t" -> count(1, 1) ? held(0).map(this::flipped) : Optional.empty();
      case "torch.transpose" -> transposed();
      case "torch.numpy_T", "torch.mT" -> count(1, 1) ? flippedMatrix() : Optional.empty();
      case "torch.permute" -> count(2, 2) && isOneZero() ? flippedMatrix() : Optional.empty();
      case "torch.detach" -> count(1, 1) ? held(0).map(this::passed) : Optional.empty();
      case "torch.contiguous" ->
          // The decoded tensor is contiguous; with swapped axes it is not.
          count(1, 1) ? held(0).filter(w -> !w.transposed()).map(this::passed) : Optional.empty();
      case "torch.to" -> sameType();
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

  private Optional<Match> transposed() {
    if (!count(3, 3)) {
      return Optional.empty();
    }
    String axes = arguments.get(1).text() + "," + arguments.get(2).text();
    if (SWAPPED.contains(axes)) {
      return held(0).map(this::flipped);
    }
    return LAST_SWAPPED.contains(axes) ? flippedMatrix() : Optional.empty();
  }

  /** Swaps the axes of a matrix. Other axis numbers than 0 and 1 depend on the number of axes. */
  private Optional<Match> flippedMatrix() {
    return held(0).filter(w -> w.slot().form().matrix()).map(this::flipped);
  }

  private boolean isOneZero() {
    return call.arguments().get(1).value() instanceof Expr.Display list
        && list.items().size() == 2
        && isNumber(list.items().get(0), 1)
        && isNumber(list.items().get(1), 0);
  }

  private static boolean isNumber(Expr expr, int number) {
    return expr instanceof Expr.Numeral numeral && numeral.text().equals(String.valueOf(number));
  }

  /** {@code torch.to(w, 6)} with the type, the device or the layout that the weight already has. */
  private Optional<Match> sameType() {
    return held(0).filter(w -> keepsAll(w.slot().form().single())).map(this::passed);
  }

  private boolean keepsAll(boolean single) {
    for (int i = 1; i < arguments.size(); i++) {
      Expr.Argument argument = call.arguments().get(i);
      Expr value = argument.value();
      boolean kept =
          switch (argument.keyword().orElse("")) {
            case "" -> isUnset(value) || isHost(value) || (single && isNumber(value, FLOAT));
            case "dtype" -> isUnset(value) || (single && isNumber(value, FLOAT));
            case "layout" -> isUnset(value) || isNumber(value, 0);
            case "device" -> isUnset(value) || isHost(value);
            default -> isUnset(value);
          };
      if (!kept) {
        return false;
      }
    }
    return arguments.size() > 1;
  }

  private static boolean isUnset(Expr value) {
    return value instanceof Expr.Name name
        && (name.name().equals("None") || name.name().equals("False"));
  }

  private static boolean isHost(Expr value) {
    return value instanceof Expr.Call device
        && device.callee().dotted().filter("torch.device"::equals).isPresent()
        && device.arguments().size() == 1
        && device.arguments().get(0).value() instanceof Expr.Text text
        && text.plain().filter("cpu"::equals).isPresent();
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
            .flatMap(
                w ->
                    match(
                        Use.product(w.slot(), w.transposed(), Optional.empty()),
                        () ->
                            "torch.contiguous(torch.t("
                                + holder(0)
                                + ".linear(torch.t("
                                + text(1)
                                + "), None, )))"))
        : Optional.empty();
  }

  /** {@code torch.addmm(b, x, w, beta=2, alpha=0.5)}. */
  private Optional<Match> scaledSum() {
    Map<String, String> factors = new HashMap<>();
    for (Expr.Argument argument :
        call.arguments().subList(Math.min(3, arguments.size()), arguments.size())) {
      if (!(argument.value() instanceof Expr.Numeral number) || isNumber(number, 0)) {
        return Optional.empty(); // With a factor of 0, torch ignores even NaN.
      }
      factors.put(argument.keyword().orElse(""), number.text());
    }
    if (call.positional(2).isEmpty() || !Set.of("beta", "alpha").containsAll(factors.keySet())) {
      return Optional.empty();
    }
    return held(2)
        .flatMap(
            w ->
                match(
                    Use.product(w.slot(), !w.transposed(), Optional.empty()),
                    () ->
                        "torch.add("
                            + times(text(0), factors.get("beta"))
                            + ", "
                            + times(
                                holder(2) + ".linear(" + text(1) + ", None, )",
                                factors.get("alpha"))
                            + ")"));
  }

  private static String times(String text, @Nullable String factor) {
    return factor == null ? text : "torch.mul(" + text + ", " + factor + ")";
  }

  /** The text is created last, because this records uses of the other arguments. */
  private Optional<Match> match(Use use, Supplier<String> text) {
    return use.isAllowed()
        ? Optional.of(new Match(text.get(), Value.UNKNOWN, Optional.of(use)))
        : Optional.empty();
  }

  private String holder(int index) {
    return "(" + arguments.get(index).text() + ")";
  }

  private Optional<Match> product(
      int input, int weight, int bias, Value.Held held, boolean transposed) {
    Optional<String> attribute =
        bias < arguments.size()
            ? beside(arguments.get(bias).value(), held.owner())
            : Optional.empty();
    return match(
        Use.product(held.slot(), transposed, attribute),
        () -> holder(weight) + ".linear(" + text(input) + ", " + text(bias) + ", )");
  }

  /** {@return the attribute for a tensor of the same module} */
  private static Optional<String> beside(Value value, String owner) {
    if (value instanceof Value.OfTensor own && own.owner().equals(owner)) {
      return Optional.of(own.attribute());
    }
    return value instanceof Value.Held held && !held.transposed() && held.owner().equals(owner)
        ? Optional.of(held.slot().attribute())
        : Optional.empty();
  }

  private Optional<Match> embedding(Value.Held held) {
    return match(
        Use.of(held.slot(), Use.Kind.EMBEDDING), () -> holder(0) + ".embed(" + text(1) + ", )");
  }

  private Match passed(Value.Held held) {
    return new Match(arguments.get(0).text(), held, Optional.empty());
  }

  private Match flipped(Value.Held held) {
    return new Match(arguments.get(0).text(), held.flipped(), Optional.empty());
  }

  private Optional<Match> metadata(Value.Held held) {
    return match(
        Use.of(held.slot(), Use.Kind.METADATA),
        () -> {
          String shape = holder(0) + ".shape_only()";
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
        .flatMap(
            w ->
                match(
                    Use.convolution(w.slot(), window),
                    () -> holder(1) + ".conv(" + text(0) + ", " + text(2) + ", )"));
  }
}

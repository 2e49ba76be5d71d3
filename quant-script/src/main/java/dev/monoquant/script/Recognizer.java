package dev.monoquant.script;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Calls of torch that a holder does itself.
 *
 * <p>Products: {@code torch.linear(x, w, b)}, {@code torch.addmm(b, x, w)} without factors, {@code
 * torch.matmul(x, w)} and {@code torch.mm(x, w)}. Look-ups: {@code torch.embedding(w, ids, ...)}.
 * Convolutions: see {@link Window}. Swapped axes: {@code torch.t(w)} and {@code torch.transpose(w,
 * 0, 1)}. And what asks for the shape or the type alone.
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

  /**
   * A call that was recognised.
   *
   * @param text what is written instead
   * @param value what it gives
   * @param use how it uses the weight; empty if it only passes it on
   */
  record Match(String text, Value value, Optional<Use> use) {}

  private final String op;
  private final Expr.Call call;
  private final List<Evaluation.Result> arguments;
  private final java.util.function.Function<Evaluation.Result, String> plain;

  private Recognizer(
      String op,
      Expr.Call call,
      List<Evaluation.Result> arguments,
      java.util.function.Function<Evaluation.Result, String> plain) {
    this.op = op;
    this.call = call;
    this.arguments = arguments;
    this.plain = plain;
  }

  /**
   * Recognises a call.
   *
   * @param op the function with dots
   * @param call the call
   * @param arguments its arguments, rewritten
   * @param plain makes plain tensors of the arguments that stay arguments
   * @return what to write; empty if the call is any other
   */
  static Optional<Match> match(
      String op,
      Expr.Call call,
      List<Evaluation.Result> arguments,
      java.util.function.Function<Evaluation.Result, String> plain) {
    if (call.arguments().stream().anyMatch(a -> a.keyword().isPresent())) {
      return Optional.empty();
    }
    return new Recognizer(op, call, arguments, plain).match();
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
      case "torch.matmul", "torch.mm" ->
          count(2, 2)
              ? held(1).flatMap(w -> product(0, 1, 2, w, !w.transposed()))
              : Optional.empty();
      case "torch.embedding" ->
          held(0).filter(w -> !w.transposed() && arguments.size() > 1).flatMap(this::embedding);
      case "torch.t" -> count(1, 1) ? held(0).map(this::flipped) : Optional.empty();
      case "torch.transpose" -> swapsFirstTwo() ? held(0).map(this::flipped) : Optional.empty();
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

  private boolean swapsFirstTwo() {
    return count(3, 3) && SWAPPED.contains(arguments.get(1).text() + "," + arguments.get(2).text());
  }

  /** The text is made last, since it notes uses of the other arguments. */
  private Optional<Match> match(Use use, Supplier<String> text) {
    return use.slot().allows(use)
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

  /** {@return the attribute of the same module that a tensor is} */
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

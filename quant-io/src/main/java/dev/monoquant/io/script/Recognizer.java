package dev.monoquant.io.script;

import java.util.List;
import java.util.Optional;
import java.util.Set;

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
  private final List<Body.Result> arguments;

  private Recognizer(String op, Expr.Call call, List<Body.Result> arguments) {
    this.op = op;
    this.call = call;
    this.arguments = arguments;
  }

  /**
   * Recognises a call.
   *
   * @param op the function with dots
   * @param call the call
   * @param arguments its arguments, rewritten
   * @return what to write; empty if the call is any other
   */
  static Optional<Match> match(String op, Expr.Call call, List<Body.Result> arguments) {
    if (call.arguments().stream().anyMatch(a -> a.keyword().isPresent())) {
      return Optional.empty();
    }
    return new Recognizer(op, call, arguments).match();
  }

  private Optional<Match> match() {
    if (METADATA.contains(op)) {
      return alone(0).map(this::metadata);
    }
    return switch (op) {
      case "torch.linear" ->
          count(2, 3) ? alone(1).map(w -> product(0, 1, 2, w, w.transposed())) : Optional.empty();
      case "torch.addmm" ->
          count(3, 3) ? alone(2).map(w -> product(1, 2, 0, w, !w.transposed())) : Optional.empty();
      case "torch.matmul", "torch.mm" ->
          count(2, 2) ? alone(1).map(w -> product(0, 1, 2, w, !w.transposed())) : Optional.empty();
      case "torch.embedding" ->
          alone(0).filter(w -> !w.transposed() && arguments.size() > 1).map(this::embedding);
      case "torch.t" -> count(1, 1) ? alone(0).map(this::flipped) : Optional.empty();
      case "torch.transpose" -> swapsFirstTwo() ? alone(0).map(this::flipped) : Optional.empty();
      default -> Window.of(op, call).flatMap(this::convolution);
    };
  }

  private boolean count(int least, int most) {
    return arguments.size() >= least && arguments.size() <= most;
  }

  /** The weight at that place, if it is at no other. */
  private Optional<Value.Held> alone(int index) {
    for (int i = 0; i < arguments.size(); i++) {
      if (i != index && arguments.get(i).value() instanceof Value.Held) {
        return Optional.empty();
      }
    }
    return index < arguments.size() && arguments.get(index).value() instanceof Value.Held held
        ? Optional.of(held)
        : Optional.empty();
  }

  private String text(int index) {
    return index < arguments.size() ? arguments.get(index).text() : "None";
  }

  private boolean swapsFirstTwo() {
    return count(3, 3) && SWAPPED.contains(text(1) + "," + text(2));
  }

  private Match product(int input, int weight, int bias, Value.Held held, boolean transposed) {
    Optional<String> attribute =
        bias < arguments.size()
                && arguments.get(bias).value() instanceof Value.OfTensor own
                && own.owner().equals(held.owner())
            ? Optional.of(own.attribute())
            : Optional.empty();
    return new Match(
        "(" + text(weight) + ").linear(" + text(input) + ", " + text(bias) + ", )",
        Value.UNKNOWN,
        Optional.of(Use.product(held.slot(), transposed, attribute)));
  }

  private Match embedding(Value.Held held) {
    return new Match(
        "(" + text(0) + ").embed(" + text(1) + ", )",
        Value.UNKNOWN,
        Optional.of(Use.of(held.slot(), Use.Kind.EMBEDDING)));
  }

  private Match flipped(Value.Held held) {
    return new Match(text(0), held.flipped(), Optional.empty());
  }

  private Match metadata(Value.Held held) {
    String shape = "(" + text(0) + ").shape_only()";
    StringBuilder out = new StringBuilder(op).append('(');
    out.append(held.transposed() ? "torch.transpose(" + shape + ", 0, 1)" : shape);
    for (int i = 1; i < arguments.size(); i++) {
      out.append(", ").append(text(i));
    }
    return new Match(
        out.append(')').toString(),
        Value.UNKNOWN,
        Optional.of(Use.of(held.slot(), Use.Kind.METADATA)));
  }

  private Optional<Match> convolution(Window window) {
    return alone(1)
        .filter(w -> !w.transposed())
        .map(
            held ->
                new Match(
                    "(" + text(1) + ").conv(" + text(0) + ", " + text(2) + ", )",
                    Value.UNKNOWN,
                    Optional.of(Use.convolution(held.slot(), window))));
  }
}

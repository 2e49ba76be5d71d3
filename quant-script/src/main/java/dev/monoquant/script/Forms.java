package dev.monoquant.script;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Recognizes calls whose result is a weight itself in another form, which its holder can still
 * multiply by.
 *
 * <p>Swapped axes: {@code torch.t(w)} and {@code torch.transpose(w, 0, 1)}; of a matrix also {@code
 * w.T}, {@code w.mT}, {@code w.mH}, {@code w.permute(1, 0)}, {@code w.movedim(0, 1)} and {@code
 * w.transpose(-1, -2)}. Axes of length 1 after the second, as kernels of 1x1 have: {@code squeeze},
 * {@code unsqueeze}, {@code select}, {@code flatten}, {@code view} and {@code reshape} that only
 * add or remove such. Types: {@code torch.to} with the properties that the weight already has, and
 * a cast of a FLOAT32 weight to half or bfloat16, or to the type of another tensor, also by {@code
 * type_as}. Neither: {@code detach}, {@code clone}, {@code contiguous}, and slices of everything.
 *
 * <p>What this does not do: it follows no part of a weight, such as {@code w[:8]} or {@code
 * w.chunk(3)}.
 */
final class Forms {

  /** The numbers of types in torch. */
  private static final int FLOAT = 6;

  private static final Set<Integer> CASTS = Set.of(5, 15);
  private static final String END = "9223372036854775807";

  private final Expr.Call call;
  private final Value.Held held;
  private final Scope scope;

  private Forms(Expr.Call call, Value.Held held, Scope scope) {
    this.call = call;
    this.held = held;
    this.scope = scope;
  }

  /**
   * Recognizes a call.
   *
   * @param op the dotted name of the function
   * @param call the call, whose first argument is the weight
   * @param held the weight
   * @param scope the names of the function that contains the call
   * @return the weight in its new form; empty if it is none
   */
  static Optional<Value.Held> of(String op, Expr.Call call, Value.Held held, Scope scope) {
    Forms form = new Forms(call, held, scope);
    if (op.equals("torch.to")) {
      return form.converted();
    }
    if (call.arguments().stream().anyMatch(a -> a.keyword().isPresent())) {
      return Optional.empty();
    }
    return switch (op) {
      case "torch.t" -> form.count(1) ? Optional.of(held.flipped()) : Optional.empty();
      case "torch.transpose", "torch.swapaxes", "torch.swapdims" -> form.transposed();
      // Weights are real: their conjugates are themselves.
      case "torch.numpy_T", "torch.mT", "torch.mH", "torch.matrix_H", "torch.adjoint" ->
          form.count(1) ? form.flippedMatrix() : Optional.empty();
      case "torch.permute" ->
          form.count(2) && isPair(form.numbers(1)) && Math.floorMod(form.numbers(1).get(0), 2) == 1
              ? form.flippedMatrix()
              : Optional.empty();
      case "torch.movedim", "torch.moveaxis" -> form.moved();
      case "torch.detach" -> form.count(1) ? Optional.of(held) : Optional.empty();
      // A copy that is changed in place gets the decoded tensor, as the weight itself would.
      case "torch.clone" ->
          form.count(1) || (form.count(2) && form.isNone(1)) ? Optional.of(held) : Optional.empty();
      case "torch.contiguous" -> form.count(1) ? Optional.of(held.contiguous()) : Optional.empty();
      case "torch.type_as" -> form.count(2) ? form.typeOf(1) : Optional.empty();
      case "torch.slice" -> form.sliced();
      case "torch.squeeze", "torch.unsqueeze", "torch.select" ->
          held.slot().form().point() ? form.point(op) : Optional.empty();
      case "torch.flatten", "torch.view", "torch.reshape" ->
          held.slot().form().point() && !held.transposed() ? form.shaped(op) : Optional.empty();
      default -> Optional.empty();
    };
  }

  private boolean count(int arguments) {
    return call.arguments().size() == arguments;
  }

  private Optional<Value.Held> transposed() {
    if (!count(3)) {
      return Optional.empty();
    }
    List<Long> axes = new ArrayList<>(numbers(1));
    axes.addAll(numbers(2));
    if (axes.equals(List.of(0L, 1L)) || axes.equals(List.of(1L, 0L))) {
      return Optional.of(held.flipped());
    }
    return isPair(axes) ? flippedMatrix() : Optional.empty();
  }

  /** {@code torch.movedim(w, 0, 1)}. */
  private Optional<Value.Held> moved() {
    List<Long> axes = new ArrayList<>(numbers(1));
    axes.addAll(numbers(2));
    return count(3) && isPair(axes) ? flippedMatrix() : Optional.empty();
  }

  /** {@return whether two axis numbers are the two axes of a matrix, in any order} */
  private static boolean isPair(List<Long> axes) {
    return axes.size() == 2
        && axes.stream().allMatch(axis -> axis >= -2 && axis <= 1)
        && Math.floorMod(axes.get(0), 2) != Math.floorMod(axes.get(1), 2);
  }

  /** Swaps the axes of a matrix. Other axis numbers than 0 and 1 depend on the number of axes. */
  private Optional<Value.Held> flippedMatrix() {
    return held.isMatrix() ? Optional.of(held.flipped()) : Optional.empty();
  }

  /** {@code w[:, :]}. */
  private Optional<Value.Held> sliced() {
    List<Expr.Argument> all = call.arguments();
    boolean whole =
        all.size() <= 5
            && (all.size() < 3 || isNone(2) || isText(2, "0"))
            && (all.size() < 4 || isNone(3) || isText(3, END))
            && (all.size() < 5 || isText(4, "1"));
    return whole ? Optional.of(held) : Optional.empty();
  }

  private boolean isNone(int index) {
    return isUnset(call.arguments().get(index).value());
  }

  private boolean isText(int index, String text) {
    return number(index).filter(text::equals).isPresent();
  }

  /** Adds or removes axes of length 1 after the second. */
  private Optional<Value.Held> point(String op) {
    int axes = held.axes();
    if (op.equals("torch.squeeze") && count(1)) {
      Slot.Form form = held.slot().form();
      return form.rows() > 1 && form.columns() > 1
          ? Optional.of(held.withAxes(2))
          : Optional.empty();
    }
    boolean added = op.equals("torch.unsqueeze");
    boolean selected = op.equals("torch.select");
    List<Long> asked = numbers(1);
    if (!count(selected ? 3 : 2)
        || asked.isEmpty()
        || (selected && !isText(2, "0") && !isText(2, "-1"))) {
      return Optional.empty();
    }
    int most = added ? axes : axes - 1;
    long kinds = asked.stream().map(axis -> axis < 0 ? axis + most + 1 : axis).distinct().count();
    boolean trailing =
        asked.stream()
            .map(axis -> axis < 0 ? axis + most + 1 : axis)
            .allMatch(axis -> axis >= 2 && axis <= most);
    if (!trailing || kinds != asked.size()) {
      return Optional.empty();
    }
    return Optional.of(held.withAxes(added ? axes + 1 : axes - asked.size()));
  }

  /** Gives a point kernel a shape that differs in axes of length 1 alone. */
  private Optional<Value.Held> shaped(String op) {
    List<Long> asked = numbers(1);
    if (op.equals("torch.flatten")) {
      boolean toEnd = count(2) || (count(3) && isText(2, "-1"));
      return toEnd && asked.size() == 1 && asked.get(0) >= 1 && asked.get(0) < held.axes()
          ? Optional.of(held.withAxes(asked.get(0).intValue() + 1))
          : Optional.empty();
    }
    Slot.Form form = held.slot().form();
    boolean same =
        count(2)
            && asked.size() >= 2
            && form.rows() > 0
            && form.columns() > 0
            && asked.stream().filter(dim -> dim == -1).count() <= 1
            && isDim(asked.get(0), form.rows())
            && isDim(asked.get(1), form.columns())
            && asked.stream().skip(2).allMatch(dim -> isDim(dim, 1));
    return same ? Optional.of(held.withAxes(asked.size())) : Optional.empty();
  }

  private static boolean isDim(long asked, long dim) {
    return asked == dim || asked == -1;
  }

  /** {@return the numbers of a list, or the only number; empty for anything else} */
  private List<Long> numbers(int index) {
    Optional<Expr> argument = call.positional(index);
    if (argument.isEmpty()) {
      return List.of();
    }
    List<Expr> items =
        argument.get() instanceof Expr.Display list && list.open() == '['
            ? list.items()
            : List.of(argument.get());
    List<Long> numbers = new ArrayList<>();
    for (Expr item : items) {
      boolean negative = item instanceof Expr.Unary;
      OptionalInt number =
          (negative ? item.children().get(0) : item) instanceof Expr.Numeral numeral
              ? numeral.integer()
              : OptionalInt.empty();
      if (number.isEmpty()) {
        return List.of();
      }
      numbers.add((long) (negative ? -number.getAsInt() : number.getAsInt()));
    }
    return numbers;
  }

  /** {@return an argument that is a number, as text} */
  private Optional<String> number(int index) {
    Optional<Expr> argument = call.positional(index);
    if (argument.isPresent() && argument.get() instanceof Expr.Unary) {
      List<Long> number = numbers(index);
      return number.isEmpty() ? Optional.empty() : Optional.of(String.valueOf(number.get(0)));
    }
    return argument
        .filter(Expr.Numeral.class::isInstance)
        .map(Expr.Numeral.class::cast)
        .map(Expr.Numeral::text);
  }

  /** {@code torch.to}: with what the weight has already, or a cast. */
  private Optional<Value.Held> converted() {
    boolean single = held.slot().form().single();
    Optional<Value.Held> made = Optional.of(held);
    if (call.arguments().size() < 2) {
      return Optional.empty();
    }
    for (int i = 1; i < call.arguments().size() && made.isPresent(); i++) {
      Expr.Argument argument = call.arguments().get(i);
      Expr value = argument.value();
      boolean kept =
          switch (argument.keyword().orElse("")) {
            case "", "device" -> isUnset(value) || isHost(value);
            case "layout" -> isUnset(value) || isNumber(value, 0);
            default -> isUnset(value);
          };
      boolean type = argument.keyword().isEmpty() || argument.keyword().get().equals("dtype");
      if (!kept) {
        made = type && single ? typed(value) : Optional.empty();
      }
    }
    return made;
  }

  /** {@return the weight with the type that an expression stands for} */
  private Optional<Value.Held> typed(Expr type) {
    if (isNumber(type, FLOAT)) {
      return held.cast().isEmpty() ? Optional.of(held) : Optional.empty();
    }
    if (held.cast().isPresent()) {
      return Optional.empty();
    }
    if (CASTS.stream().anyMatch(cast -> isNumber(type, cast))) {
      return Optional.of(held.as(((Expr.Numeral) type).text()));
    }
    return type instanceof Expr.Call query
            && query.callee().dotted().filter("ops.prim.dtype"::equals).isPresent()
            && query.arguments().size() == 1
        ? typeOf(query.arguments().get(0).value())
        : Optional.empty();
  }

  private Optional<Value.Held> typeOf(int index) {
    return held.slot().form().single() && held.cast().isEmpty()
        ? call.positional(index).flatMap(this::typeOf)
        : Optional.empty();
  }

  /** The type of a local tensor. It is asked where the product is, so that it must not change. */
  private Optional<Value.Held> typeOf(Expr tensor) {
    return tensor instanceof Expr.Name name
            && scope.isSetOnce(name.name())
            && scope.of(name.name()) instanceof Value.Unknown
        ? Optional.of(held.as("ops.prim.dtype(" + name.name() + ")"))
        : Optional.empty();
  }

  private static boolean isNumber(Expr expr, int number) {
    return expr instanceof Expr.Numeral numeral && numeral.text().equals(String.valueOf(number));
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
}

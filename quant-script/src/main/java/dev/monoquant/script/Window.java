package dev.monoquant.script;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The window of a convolution, from literal numbers in the code.
 *
 * @param stride one number for each dimension, 1 or 2 of them
 * @param padding likewise
 * @param dilation likewise
 * @param groups groups of channels
 */
record Window(List<Integer> stride, List<Integer> padding, List<Integer> dilation, int groups) {

  Window {
    stride = List.copyOf(stride);
    padding = List.copyOf(padding);
    dilation = List.copyOf(dilation);
  }

  /**
   * Reads {@code torch.conv1d}, {@code torch.conv2d} and {@code torch._convolution}.
   *
   * @param op the dotted name
   * @param call the call
   * @return the window; empty if the convolution does not have 1 or 2 dimensions, is transposed, or
   *     its arguments are not literal numbers
   */
  static Optional<Window> of(String op, Expr.Call call) {
    if (call.arguments().stream().anyMatch(a -> a.keyword().isPresent())) {
      return Optional.empty();
    }
    return switch (op) {
      case "torch.conv1d" -> convolution(call, 1, 6);
      case "torch.conv2d" -> convolution(call, 2, 6);
      case "torch._convolution" ->
          call.positional(6).filter(Window::isFalse).isPresent()
              ? call.positional(3).flatMap(s -> convolution(call, s.children().size(), 8))
              : Optional.empty();
      default -> Optional.empty();
    };
  }

  private static Optional<Window> convolution(Expr.Call call, int rank, int groupsAt) {
    if (rank < 1 || rank > 2) {
      return Optional.empty();
    }
    Optional<List<Integer>> stride = list(call.positional(3), rank, 1);
    Optional<List<Integer>> padding = list(call.positional(4), rank, 0);
    Optional<List<Integer>> dilation = list(call.positional(5), rank, 1);
    OptionalInt groups = call.positional(groupsAt).map(Window::integer).orElse(OptionalInt.of(1));
    if (stride.isEmpty() || padding.isEmpty() || dilation.isEmpty() || groups.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(new Window(stride.get(), padding.get(), dilation.get(), groups.getAsInt()));
  }

  private static Optional<List<Integer>> list(Optional<Expr> expr, int rank, int otherwise) {
    if (expr.isEmpty()) {
      return Optional.of(Collections.nCopies(rank, otherwise));
    }
    if (!(expr.get() instanceof Expr.Display list) || list.open() != '[') {
      return Optional.empty();
    }
    List<Integer> numbers = new ArrayList<>();
    for (Expr item : list.items()) {
      OptionalInt number = integer(item);
      if (number.isEmpty()) {
        return Optional.empty();
      }
      numbers.add(number.getAsInt());
    }
    if (numbers.size() == 1 && rank == 2) {
      numbers.add(numbers.get(0));
    }
    return numbers.size() == rank ? Optional.of(numbers) : Optional.empty();
  }

  private static OptionalInt integer(Expr expr) {
    return expr instanceof Expr.Numeral number ? number.integer() : OptionalInt.empty();
  }

  private static boolean isFalse(Expr expr) {
    return expr instanceof Expr.Name name && name.name().equals("False");
  }

  /** {@return whether a kernel of length 1 with it sees each place once, and all channels} */
  boolean isPoint() {
    return groups == 1
        && stride.stream().allMatch(n -> n == 1)
        && padding.stream().allMatch(n -> n == 0);
  }

  /**
   * {@return stride, padding and dilation, each with two dimensions, and the groups, as the kernel
   * takes them; a single dimension is extended by one of length 1}
   */
  List<Integer> flat() {
    List<Integer> all = new ArrayList<>();
    boolean single = stride.size() == 1;
    if (single) {
      all.add(1);
    }
    all.addAll(stride);
    if (single) {
      all.add(0);
    }
    all.addAll(padding);
    if (single) {
      all.add(1);
    }
    all.addAll(dilation);
    all.add(groups);
    return all;
  }
}

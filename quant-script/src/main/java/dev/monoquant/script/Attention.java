package dev.monoquant.script;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * An attention that the code of one function computes in parts: products of queries and keys, a
 * factor, masks, softmax, and the product with values.
 *
 * <pre>{@code
 * a = torch.matmul(query, torch.transpose(key, -1, -2))
 * a0 = torch.div(a, CONSTANTS.c0)
 * input = torch.add(a0, mask)
 * probabilities = torch.softmax(input, -1)
 * torch.matmul((dropout).forward(probabilities, ), value)
 * }</pre>
 *
 * @param product the last product
 * @param query the first operand of the first product
 * @param key its second operand, whose last two axes are those of keys swapped
 * @param value the second operand of the last product
 * @param axis the axis of softmax
 * @param factor the factor of the first product
 * @param masks what happens to the product before softmax, in order
 * @param statements the indices of statements whose only use is in the attention
 */
record Attention(
    Expr.Call product,
    Expr query,
    Expr key,
    Expr value,
    int axis,
    Optional<Factor> factor,
    List<Mask> masks,
    SortedSet<Integer> statements) {

  /**
   * A number that scores are multiplied or divided by.
   *
   * @param number a number, or a tensor of one
   * @param divides whether they are divided
   */
  record Factor(Expr number, boolean divides) {}

  /** A change of scores. */
  sealed interface Mask {}

  /** Numbers that are added. */
  record Added(Expr bias) implements Mask {}

  /**
   * Scores that are replaced.
   *
   * @param condition where, or where not
   * @param kept whether the condition tells which scores are kept
   * @param fill the number that replaces the others
   */
  record Filled(Expr condition, boolean kept, Expr fill) implements Mask {}

  /** Finds attentions in a function. */
  static final class Finder {

    /** The most calls and names between the products. */
    private static final int MOST_STEPS = 50;

    private final Locals names;
    private int steps;
    private SortedSet<Integer> statements = new TreeSet<>();
    private Optional<Factor> factor = Optional.empty();
    private List<Mask> masks = new ArrayList<>();

    Finder(Locals names) {
      this.names = names;
    }

    /** {@return the attention whose last product a call is} */
    Optional<Attention> find(Expr.Call call) {
      statements = new TreeSet<>();
      factor = Optional.empty();
      masks = new ArrayList<>();
      steps = 0;
      if (!isProduct(call)) {
        return Optional.empty();
      }
      Optional<Softmax> softmax =
          softmax(call.arguments().get(0).value(), names, true).filter(s -> s.axis().isPresent());
      if (softmax.isEmpty()) {
        return Optional.empty();
      }
      return scores(softmax.get().of())
          .map(
              first ->
                  new Attention(
                      call,
                      first.arguments().get(0).value(),
                      first.arguments().get(1).value(),
                      call.arguments().get(1).value(),
                      softmax.get().axis().getAsInt(),
                      factor,
                      List.copyOf(masks),
                      statements));
    }

    private boolean isProduct(Expr.Call call) {
      return (names.isCall(call, "torch.matmul") || names.isCall(call, "torch.bmm"))
          && Locals.positionals(call) == 2;
    }

    /**
     * Steps back from what is multiplied by values.
     *
     * @param of what softmax is taken of, or what nothing is known of
     * @param axis its axis; empty if there is no softmax
     */
    private record Softmax(Expr of, OptionalInt axis) {}

    /** {@return what softmax is taken of, through what changes nothing in FLOAT32} */
    private Optional<Softmax> softmax(Expr from, Locals in, boolean outer) {
      Expr at = from;
      while (steps++ < MOST_STEPS) {
        at = outer ? in.value(at, statements) : in.origin(at);
        if (!(at instanceof Expr.Call call)) {
          return Optional.of(new Softmax(at, OptionalInt.empty()));
        }
        Optional<Locals> method = in.method(call);
        if (method.isPresent() && Locals.positionals(call) == 1) {
          Optional<Softmax> inner =
              method.get().returned().flatMap(r -> softmax(r, method.get(), false));
          Expr argument = call.arguments().get(0).value();
          if (inner.filter(s -> method.get().isFirstParameter(s.of())).isEmpty()) {
            return Optional.empty();
          }
          if (inner.get().axis().isPresent()) {
            return Optional.of(new Softmax(argument, inner.get().axis()));
          }
          at = argument;
        } else if (in.isCall(call, "torch.softmax") && isSoftmax(call)) {
          Expr of = call.arguments().get(0).value();
          return Optional.of(
              new Softmax(
                  outer ? of : in.origin(of), Locals.whole(call.arguments().get(1).value())));
        } else if (passes(call, in)) {
          at = call.arguments().get(0).value();
        } else {
          return Optional.empty();
        }
      }
      return Optional.empty();
    }

    /** The axis is a literal, and the result is FLOAT32 if the argument is. */
    private static boolean isSoftmax(Expr.Call call) {
      int count = Locals.positionals(call);
      return (count == 2 || (count == 3 && isSingle(call, 2)))
          && Locals.whole(call.arguments().get(1).value()).isPresent();
    }

    private static boolean passes(Expr.Call call, Locals in) {
      int count = Locals.positionals(call);
      boolean dropout = in.isCall(call, "torch.dropout") && count == 3 && isWord(call, 2, "False");
      boolean same =
          in.isCall(call, "torch.to")
              && (count == 2
                  || (count == 5
                      && isWord(call, 2, "False")
                      && isWord(call, 3, "False")
                      && isWord(call, 4, "None")))
              && isSingle(call, 1)
              && !isWord(call, 1, "None");
      return dropout || same;
    }

    /** The code of FLOAT32, or none. */
    private static boolean isSingle(Expr.Call call, int index) {
      return isWord(call, index, "None")
          || call.positional(index)
              .filter(e -> e instanceof Expr.Numeral n && n.text().equals("6"))
              .isPresent();
    }

    private static boolean isWord(Expr.Call call, int index, String word) {
      return call.positional(index)
          .filter(e -> e instanceof Expr.Name name && name.name().equals(word))
          .isPresent();
    }

    /** {@return the first product; {@code masks} and {@code factor} are what happens to it} */
    private Optional<Expr.Call> scores(Expr from) {
      if (steps++ > MOST_STEPS || !(names.value(from, statements) instanceof Expr.Call call)) {
        return Optional.empty();
      }
      if (isProduct(call)) {
        return Optional.of(call);
      }
      int count = Locals.positionals(call);
      if (names.isCall(call, "torch.add") && count == 2) {
        return either(call);
      }
      boolean fills = names.isCall(call, "torch.masked_fill");
      if ((fills || names.isCall(call, "torch.where")) && count == 3) {
        int scores = fills ? 0 : 1;
        return masked(
            call.arguments().get(scores).value(),
            new Filled(
                call.arguments().get(1 - scores).value(), !fills, call.arguments().get(2).value()));
      }
      boolean divides = names.isCall(call, "torch.div");
      if ((divides || names.isCall(call, "torch.mul")) && count == 2) {
        return scaled(call, divides);
      }
      return Optional.empty();
    }

    private Optional<Expr.Call> either(Expr.Call call) {
      SortedSet<Integer> before = new TreeSet<>(statements);
      for (int i = 0; i < 2; i++) {
        Optional<Expr.Call> found =
            masked(call.arguments().get(i).value(), new Added(call.arguments().get(1 - i).value()));
        if (found.isPresent()) {
          return found;
        }
        statements = new TreeSet<>(before);
        masks = new ArrayList<>();
        factor = Optional.empty();
      }
      return Optional.empty();
    }

    private Optional<Expr.Call> masked(Expr scores, Mask mask) {
      boolean known = !(mask instanceof Filled filled) || names.isNumber(filled.fill());
      Optional<Expr.Call> found = known ? scores(scores) : Optional.empty();
      if (mask instanceof Filled && masks.stream().anyMatch(Filled.class::isInstance)) {
        return Optional.empty();
      }
      masks.add(mask);
      return found;
    }

    private Optional<Expr.Call> scaled(Expr.Call call, boolean divides) {
      Expr number = call.arguments().get(1).value();
      if (!names.isNumber(number)) {
        return Optional.empty();
      }
      Optional<Expr.Call> found = scores(call.arguments().get(0).value());
      if (found.isEmpty() || factor.isPresent() || !masks.isEmpty()) {
        return Optional.empty();
      }
      factor = Optional.of(new Factor(number, divides));
      return found;
    }
  }
}

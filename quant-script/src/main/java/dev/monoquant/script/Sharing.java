package dev.monoquant.script;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Products of one value with several weights, such as query, key and value of an attention, in one
 * function: the value is prepared for kernels once, before the first of them.
 *
 * <p>Products share if their input is the same name, which is not set between them, if they are in
 * one block without a branch, a loop or the head of one between them, and if no statement from the
 * first to the last calls anything but functions that are known to change no tensor. Their holders
 * are of one library. What kernels take is then equal to the bit.
 */
final class Sharing {

  /** The start of the names of prepared inputs. */
  private static final String PREPARED = "held_input";

  /** A product with a weight. */
  private record Product(int statement, int start, String input, String library, String holder) {}

  private final List<Statement> body;
  private final Map<String, Integer> assignments;
  private final List<Product> products = new ArrayList<>();
  private final BitSet impure = new BitSet();

  /** The names of prepared inputs by the start of the call that takes them. */
  private final Map<Integer, String> names = new HashMap<>();

  /** The lines to add by the statement that they precede. */
  private final Map<Integer, List<String>> added = new HashMap<>();

  private boolean settled;
  private int statement;

  /**
   * Looks at a function: a first pass over it tells what it calls, a second one asks.
   *
   * @param function the function
   */
  Sharing(Function function) {
    this.body = function.body();
    this.assignments = function.assignments();
  }

  /** Starts a statement of the body, in each pass. */
  void begin(int index) {
    statement = index;
  }

  /** Notes that the statement may change a tensor. */
  void changes() {
    impure.set(statement);
  }

  /** Notes a call of a global function, whose source is not known. */
  void calls(Expr.Call call, String name) {
    if (!PureCalls.contain(name, call)) {
      changes();
    }
  }

  /** {@return whether no statement may change a tensor} */
  boolean isPure() {
    return impure.isEmpty() && body.stream().allMatch(Statement::understood);
  }

  /**
   * Notes a product.
   *
   * @param call the call that makes it
   * @param input its input
   * @param library the class of the holder
   * @param holder the expression for the holder
   */
  void find(Expr.Call call, Expr input, String library, String holder) {
    if (!settled && input instanceof Expr.Name name) {
      products.add(new Product(statement, call.start(), name.name(), library, holder));
    }
  }

  /** Decides which products share their input, between the passes. */
  void settle() {
    settled = true;
    int number = 0;
    List<Product> open = new ArrayList<>(products);
    while (!open.isEmpty()) {
      List<Product> group = new ArrayList<>(List.of(open.remove(0)));
      for (Product other : List.copyOf(open)) {
        if (shares(group.get(0), other)) {
          group.add(other);
          open.remove(other);
        }
      }
      if (group.size() < 2) {
        continue;
      }
      String name = PREPARED + number++;
      while (assignments.containsKey(name)) {
        name = PREPARED + number++;
      }
      Product first = group.get(0);
      for (Product product : group) {
        names.put(product.start(), name);
      }
      added
          .computeIfAbsent(first.statement(), s -> new ArrayList<>())
          .add(name + " = (" + first.holder() + ").prepared(" + first.input() + ", )");
    }
  }

  private boolean shares(Product first, Product other) {
    if (!first.input().equals(other.input()) || !first.library().equals(other.library())) {
      return false;
    }
    int indent = body.get(first.statement()).line().indent();
    for (int i = first.statement(); i <= other.statement(); i++) {
      Statement between = body.get(i);
      if (!between.understood()
          || between.line().indent() != indent
          || between.isHead()
          || between.member().isPresent()
          || impure.get(i)
          || between.assigned().contains(first.input())) {
        return false;
      }
    }
    // A line can only be added before one that does not begin with what is replaced.
    Statement at = body.get(first.statement());
    return at.values().stream().allMatch(v -> v.start() > at.line().start());
  }

  /**
   * {@return the name of the prepared input that a call shares with others; empty if it does not}
   */
  Optional<String> prepared(Expr.Call call) {
    return Optional.ofNullable(names.get(call.start()));
  }

  /** {@return the lines to add before a statement, each with its end} */
  String added(int index) {
    List<String> lines = added.getOrDefault(index, List.of());
    String indent = " ".repeat(body.get(index).line().indent());
    StringBuilder text = new StringBuilder();
    lines.forEach(line -> text.append(line).append('\n').append(indent));
    return text.toString();
  }
}

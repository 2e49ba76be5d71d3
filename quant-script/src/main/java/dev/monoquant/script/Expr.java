package dev.monoquant.script;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** An expression and its position in the file. */
sealed interface Expr {

  /** {@return the offset of its first character} */
  int start();

  /** {@return the offset after its last character} */
  int end();

  /** {@return its direct subexpressions, in order} */
  List<Expr> children();

  /** {@return the dotted name, such as {@code torch.linear}, if it has more than one part} */
  default Optional<String> dotted() {
    return Optional.empty();
  }

  /** A name, including {@code None} and {@code True}. */
  record Name(String name, int start, int end) implements Expr {
    @Override
    public List<Expr> children() {
      return List.of();
    }
  }

  /** A number. */
  record Numeral(String text, int start, int end) implements Expr {

    /** The most digits of an integer that is parsed. */
    private static final int MOST_DIGITS = 9;

    /** {@return its value if it is an integer of up to 9 digits} */
    OptionalInt integer() {
      return digits(text);
    }

    /** {@return the value of up to 9 digits; empty for any other text} */
    static OptionalInt digits(String text) {
      boolean digits =
          !text.isEmpty()
              && text.length() <= MOST_DIGITS
              && text.chars().allMatch(c -> c >= '0' && c <= '9');
      return digits ? OptionalInt.of(Integer.parseInt(text)) : OptionalInt.empty();
    }

    @Override
    public List<Expr> children() {
      return List.of();
    }
  }

  /** A string, with its quotes. */
  record Text(String quoted, int start, int end) implements Expr {
    @Override
    public List<Expr> children() {
      return List.of();
    }

    /** {@return its content; empty if it has escapes} */
    Optional<String> plain() {
      return quoted.indexOf('\\') < 0
          ? Optional.of(quoted.substring(1, quoted.length() - 1))
          : Optional.empty();
    }
  }

  /** {@code base.name}. */
  record Member(Expr base, String name, int start, int end) implements Expr {
    @Override
    public Optional<String> dotted() {
      return base instanceof Name root
          ? Optional.of(root.name() + "." + name)
          : base.dotted().map(before -> before + "." + name);
    }

    @Override
    public List<Expr> children() {
      return List.of(base);
    }
  }

  /**
   * An argument.
   *
   * @param keyword its name if it is a keyword argument
   * @param value its value
   */
  record Argument(Optional<String> keyword, Expr value) {}

  /** {@code callee(arguments)}. */
  record Call(Expr callee, List<Argument> arguments, int start, int end) implements Expr {
    public Call {
      arguments = List.copyOf(arguments);
    }

    @Override
    public List<Expr> children() {
      List<Expr> all = new ArrayList<>();
      all.add(callee);
      arguments.forEach(a -> all.add(a.value()));
      return all;
    }

    /** {@return the positional argument with that index, or empty} */
    Optional<Expr> positional(int index) {
      return index < arguments.size() && arguments.get(index).keyword().isEmpty()
          ? Optional.of(arguments.get(index).value())
          : Optional.empty();
    }
  }

  /** {@code base[items]}; the ends of slices are items. */
  record Index(Expr base, List<Expr> items, int start, int end) implements Expr {
    public Index {
      items = List.copyOf(items);
    }

    @Override
    public List<Expr> children() {
      List<Expr> all = new ArrayList<>();
      all.add(base);
      all.addAll(items);
      return all;
    }
  }

  /** {@code -operand} or {@code not operand}. */
  record Unary(Expr operand, int start, int end) implements Expr {
    @Override
    public List<Expr> children() {
      return List.of(operand);
    }
  }

  /** {@code (inner)}. */
  record Paren(Expr inner, int start, int end) implements Expr {
    @Override
    public List<Expr> children() {
      return List.of(inner);
    }
  }

  /** A list, tuple or dict; the items of a dict are alternately keys and values. */
  record Display(char open, List<Expr> items, int start, int end) implements Expr {
    public Display {
      items = List.copyOf(items);
    }

    @Override
    public List<Expr> children() {
      return items;
    }
  }
}

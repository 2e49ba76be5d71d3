package dev.monoquant.files.pickle;

import static java.util.Objects.requireNonNull;

import java.math.BigInteger;
import java.util.Comparator;

/**
 * A value of a pickle, as inert data.
 *
 * <p>Scalars are records and equal by value. Containers and objects are equal by identity: an
 * object that a pickle shares is shared here too, an object may contain itself, and {@code equals},
 * {@code hashCode} and {@code toString} ignore its contents.
 */
public sealed interface PickleValue
    permits PickleValue.None,
        PickleValue.Bool,
        PickleValue.Int,
        PickleValue.BigInt,
        PickleValue.Real,
        PickleValue.Text,
        PickleValue.Global,
        PickleBytes,
        PickleTuple,
        PickleList,
        PickleDict,
        PickleSet,
        PicklePersistent,
        PickleObject {

  /** {@return the kind of value, with an article, for messages} */
  String kind();

  /** Python's {@code None}. */
  record None() implements PickleValue {

    /** The only instance. */
    public static final None INSTANCE = new None();

    @Override
    public String kind() {
      return "None";
    }
  }

  /**
   * A truth value.
   *
   * @param value the value
   */
  record Bool(boolean value) implements PickleValue {

    /** {@code True}. */
    public static final Bool TRUE = new Bool(true);

    /** {@code False}. */
    public static final Bool FALSE = new Bool(false);

    @Override
    public String kind() {
      return "a bool";
    }
  }

  /**
   * An integer of at most 64 bits.
   *
   * @param value the value
   */
  record Int(long value) implements PickleValue {
    @Override
    public String kind() {
      return "an int";
    }
  }

  /**
   * An integer of more than 64 bits.
   *
   * @param value the value
   */
  record BigInt(BigInteger value) implements PickleValue {

    /** Checks that the value is there. */
    public BigInt {
      requireNonNull(value, "value");
    }

    @Override
    public String kind() {
      return "an int";
    }
  }

  /**
   * A binary64.
   *
   * @param value the value, any bits
   */
  record Real(double value) implements PickleValue {
    @Override
    public String kind() {
      return "a float";
    }
  }

  /**
   * A text, including one that Python 2 wrote as bytes.
   *
   * @param value the text
   */
  record Text(String value) implements PickleValue {

    /** Checks that the value is there. */
    public Text {
      requireNonNull(value, "value");
    }

    @Override
    public String kind() {
      return "a str";
    }
  }

  /**
   * The name of a class or function. It is only a name and never loaded.
   *
   * @param module such as {@code torch._utils}
   * @param name such as {@code _rebuild_tensor_v2}
   */
  record Global(String module, String name) implements PickleValue, Comparable<Global> {

    private static final Comparator<Global> ORDER =
        Comparator.comparing(Global::module).thenComparing(Global::name);

    /** Checks that both are there. */
    public Global {
      requireNonNull(module, "module");
      requireNonNull(name, "name");
    }

    @Override
    public String kind() {
      return "a class or function";
    }

    /** Compares module and name, so that sets stay fast if many names have one hash. */
    @Override
    public int compareTo(Global other) {
      return ORDER.compare(this, other);
    }

    /** {@return both joined with a dot; not unique, because both may contain dots} */
    public String path() {
      return module + "." + name;
    }
  }
}

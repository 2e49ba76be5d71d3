package dev.monoquant.files.pickle;

import java.math.BigInteger;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** A dict in insertion order; it grows while the pickle is read. */
public final class PickleDict implements PickleValue {

  /**
   * A key and its value.
   *
   * @param key a scalar, a tuple or a class
   * @param value any value
   */
  public record Item(PickleValue key, PickleValue value) {}

  private final Map<Key, Item> items = new LinkedHashMap<>(0);

  /** Makes an empty dict. */
  public PickleDict() {}

  /** {@return the items in order, in an unmodifiable view} */
  public Collection<Item> items() {
    return Collections.unmodifiableCollection(items.values());
  }

  /** {@return the number of items} */
  public int size() {
    return items.size();
  }

  /**
   * {@return the value of a text key, or empty}
   *
   * @param key the text
   */
  public Optional<PickleValue> find(String key) {
    return Optional.ofNullable(items.get(Key.of(new Text(key)))).map(Item::value);
  }

  /**
   * Whether Python would accept a value as a key.
   *
   * @param key any value
   * @return false for mutable values: lists, dicts, sets; true for all others, including tuples of
   *     any items
   */
  public static boolean isHashable(PickleValue key) {
    return !(key instanceof PickleList || key instanceof PickleDict || key instanceof PickleSet);
  }

  /**
   * Adds or replaces an item.
   *
   * @param key a hashable value; a tuple or object equals only itself
   * @param value any value
   * @return whether the key is new; if not, its value is replaced in place
   */
  public boolean put(PickleValue key, PickleValue value) {
    return items.put(Key.of(key), new Item(key, value)) == null;
  }

  /**
   * The equality of keys in Python: {@code 1}, {@code True} and {@code 1.0} are one key. Keys are
   * ordered, so that a map finds a key in logarithmic time even if a malicious file has many keys
   * with one hash.
   *
   * @param type distinguishes keys of different types
   * @param value a text, a number, or a value that equals only itself
   */
  private record Key(int type, Object value) implements Comparable<Key> {

    private static final int INT = 0;
    private static final int REAL = 1;
    private static final int BIG = 2;
    private static final int TEXT = 3;
    private static final int NAME = 4;
    private static final int OTHER = 5;

    static Key of(PickleValue key) {
      if (key instanceof Text text) {
        return new Key(TEXT, text.value());
      }
      if (key instanceof Int number) {
        return new Key(INT, number.value());
      }
      if (key instanceof Bool b) {
        return new Key(INT, b.value() ? 1L : 0L);
      }
      if (key instanceof Real real) {
        double value = real.value();
        return value == Math.rint(value) && Math.abs(value) < 1e15
            ? new Key(INT, (long) value)
            : new Key(REAL, value);
      }
      if (key instanceof BigInt number) {
        return new Key(BIG, number.value());
      }
      if (key instanceof Global global) {
        return new Key(NAME, global);
      }
      return new Key(OTHER, key);
    }

    @Override
    public int compareTo(Key other) {
      if (type != other.type) {
        return Integer.compare(type, other.type);
      }
      return switch (type) {
        case INT -> Long.compare((long) value, (long) other.value);
        case REAL -> Double.compare((double) value, (double) other.value);
        case BIG -> ((BigInteger) value).compareTo((BigInteger) other.value);
        case TEXT -> ((String) value).compareTo((String) other.value);
        case NAME -> ((Global) value).compareTo((Global) other.value);
        // These have identity hashes of the JVM.
        default ->
            Integer.compare(System.identityHashCode(value), System.identityHashCode(other.value));
      };
    }
  }

  @Override
  public String kind() {
    return "a dict";
  }
}

package dev.monoquant.files.pickle;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** A dict in its order; it grows while the pickle is read. */
public final class PickleDict implements PickleValue {

  /**
   * A key and its value.
   *
   * @param key a scalar, a tuple or a class
   * @param value any value
   */
  public record Item(PickleValue key, PickleValue value) {}

  /** What keys are equal by in Python: {@code 1}, {@code True} and {@code 1.0} are one key. */
  private final Map<PickleValue, Item> items = new LinkedHashMap<>(0);

  /** Makes an empty dict. */
  public PickleDict() {}

  /** {@return the items in order, in an unmodifiable view} */
  public Collection<Item> items() {
    return Collections.unmodifiableCollection(items.values());
  }

  /** {@return how many items there are} */
  public int size() {
    return items.size();
  }

  /**
   * {@return the value of a text key, or empty}
   *
   * @param key the text
   */
  public Optional<PickleValue> find(String key) {
    return Optional.ofNullable(items.get(new Text(key))).map(Item::value);
  }

  /**
   * Whether Python would take a value as a key.
   *
   * @param key any value
   * @return false for what can change: lists, dicts, sets; true for all others, tuples unseen
   */
  public static boolean isHashable(PickleValue key) {
    return !(key instanceof PickleList || key instanceof PickleDict || key instanceof PickleSet);
  }

  /**
   * Adds or replaces an item.
   *
   * @param key a hashable value; tuples and objects are equal to themselves only
   * @param value any value
   * @return whether the key is new; if not, its value is replaced in place
   */
  public boolean put(PickleValue key, PickleValue value) {
    return items.put(canonical(key), new Item(key, value)) == null;
  }

  private static PickleValue canonical(PickleValue key) {
    if (key instanceof Bool b) {
      return new Int(b.value() ? 1 : 0);
    }
    if (key instanceof Real r && r.value() == Math.rint(r.value()) && Math.abs(r.value()) < 1e15) {
      return new Int((long) r.value());
    }
    return key;
  }

  @Override
  public String kind() {
    return "a dict";
  }
}

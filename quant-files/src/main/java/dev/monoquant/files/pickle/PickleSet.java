package dev.monoquant.files.pickle;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A {@code set} or {@code frozenset}, with its items in the order of the file, including
 * duplicates.
 */
public final class PickleSet implements PickleValue {

  private final List<PickleValue> items = new ArrayList<>(0);
  private final boolean frozen;

  /**
   * Makes an empty set.
   *
   * @param frozen whether it is a {@code frozenset}
   */
  public PickleSet(boolean frozen) {
    this.frozen = frozen;
  }

  /** {@return the items, in an unmodifiable view} */
  public List<PickleValue> items() {
    return Collections.unmodifiableList(items);
  }

  /** {@return whether it is a {@code frozenset}} */
  public boolean frozen() {
    return frozen;
  }

  /**
   * Adds an item.
   *
   * @param item any value
   */
  public void add(PickleValue item) {
    items.add(item);
  }

  @Override
  public String kind() {
    return "a set";
  }
}

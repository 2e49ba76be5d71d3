package dev.monoquant.files.pickle;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** A list; it grows while the pickle is read. */
public final class PickleList implements PickleValue {

  private final List<PickleValue> items = new ArrayList<>(0);

  /** Makes an empty list. */
  public PickleList() {}

  /** {@return the items, in an unmodifiable view} */
  public List<PickleValue> items() {
    return Collections.unmodifiableList(items);
  }

  /**
   * Appends an item.
   *
   * @param item any value
   */
  public void add(PickleValue item) {
    items.add(item);
  }

  @Override
  public String kind() {
    return "a list";
  }
}

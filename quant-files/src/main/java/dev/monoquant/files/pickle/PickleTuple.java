package dev.monoquant.files.pickle;

import java.util.List;

/** A tuple. */
public final class PickleTuple implements PickleValue {

  private final List<PickleValue> items;

  /**
   * Makes a tuple.
   *
   * @param items its items; copied
   */
  public PickleTuple(List<PickleValue> items) {
    this.items = List.copyOf(items);
  }

  /** {@return the items, immutable} */
  public List<PickleValue> items() {
    return items;
  }

  /** {@return the number of items} */
  public int size() {
    return items.size();
  }

  /**
   * {@return an item}
   *
   * @param index its index, from 0
   */
  public PickleValue get(int index) {
    return items.get(index);
  }

  @Override
  public String kind() {
    return "a tuple";
  }
}

package dev.monoquant.files.pickle;

import java.util.ArrayList;
import java.util.List;

/**
 * The values that a value contains, in the order of a pickle.
 *
 * @param before the values needed to create it
 * @param after the values set after its creation, which may contain it
 */
record PickleParts(List<PickleValue> before, List<PickleValue> after) {

  private static final PickleParts NONE = new PickleParts(List.of(), List.of());

  static PickleParts of(PickleValue value) {
    if (value instanceof PickleTuple tuple) {
      return new PickleParts(tuple.items(), List.of());
    }
    if (value instanceof PickleList list) {
      return new PickleParts(List.of(), list.items());
    }
    if (value instanceof PickleDict dict) {
      return new PickleParts(List.of(), flat(dict));
    }
    if (value instanceof PickleSet set) {
      return set.frozen()
          ? new PickleParts(set.items(), List.of())
          : new PickleParts(List.of(), set.items());
    }
    if (value instanceof PicklePersistent persistent) {
      return new PickleParts(List.of(persistent.id()), List.of());
    }
    return value instanceof PickleObject object ? of(object) : NONE;
  }

  private static PickleParts of(PickleObject object) {
    boolean bare = object.call() == PickleObject.Call.REDUCE_BARE;
    List<PickleValue> before =
        new ArrayList<>(List.of(object.callee(), bare ? object.args().get(0) : object.args()));
    object.keywords().ifPresent(before::add);
    List<PickleValue> after = flat(object.items());
    object.state().ifPresent(after::add);
    return new PickleParts(before, after);
  }

  /** {@return keys and values alternately} */
  static List<PickleValue> flat(PickleDict dict) {
    List<PickleValue> flat = new ArrayList<>(2 * dict.size());
    for (PickleDict.Item item : dict.items()) {
      flat.add(item.key());
      flat.add(item.value());
    }
    return flat;
  }
}

package dev.monoquant.files.pickle;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The memo of the pickle machine. Consecutive indices use a slot each; any other index, up to 2^32
 * - 1, uses an entry of a map, so that each index adds only one element.
 */
final class PickleMemo {

  private final PickleFault fault;
  private final int most;
  private final List<PickleValue> dense = new ArrayList<>();
  private final Map<Long, PickleValue> sparse = new HashMap<>();

  PickleMemo(PickleFault fault, int most) {
    this.fault = fault;
    this.most = most;
  }

  int size() {
    return dense.size() + sparse.size();
  }

  void put(long index, PickleValue value) {
    if (index < dense.size()) {
      dense.set((int) index, value);
      return;
    }
    if (size() >= most && !sparse.containsKey(index)) {
      throw fault.limit(most + 1L, "entries in its memo", most, "maxPickleValues");
    }
    if (index == dense.size() && !sparse.containsKey(index)) {
      dense.add(value);
    } else {
      sparse.put(index, value);
    }
  }

  PickleValue get(long index, int at) {
    @Nullable PickleValue value = index < dense.size() ? dense.get((int) index) : sparse.get(index);
    if (value == null) {
      throw fault.shape(
          "the operation at byte "
              + at
              + " asks for entry "
              + index
              + " of the memo, which was never set.");
    }
    return value;
  }
}

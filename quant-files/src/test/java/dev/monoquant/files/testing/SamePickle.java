package dev.monoquant.files.testing;

import dev.monoquant.files.pickle.PickleBytes;
import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleList;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleSet;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;

/** Whether two values are the same graph: equal in all parts, and shared at the same places. */
public final class SamePickle {

  private record Pair(PickleValue one, PickleValue other) {}

  private SamePickle() {}

  /** Compares; an error says where they differ. */
  public static void require(PickleValue a, PickleValue b) {
    IdentityHashMap<PickleValue, PickleValue> there = new IdentityHashMap<>();
    IdentityHashMap<PickleValue, PickleValue> back = new IdentityHashMap<>();
    Deque<Pair> open = new ArrayDeque<>(List.of(new Pair(a, b)));
    while (!open.isEmpty()) {
      Pair pair = open.pop();
      if (pair.one() instanceof Record || pair.other() instanceof Record) {
        requireScalars(pair.one(), pair.other());
        continue;
      }
      PickleValue partner = there.putIfAbsent(pair.one(), pair.other());
      PickleValue reverse = back.putIfAbsent(pair.other(), pair.one());
      if (partner == null && reverse == null) {
        requireSame(pair.one().getClass(), pair.other().getClass());
        List<PickleValue> left = parts(pair.one());
        List<PickleValue> right = parts(pair.other());
        requireSame(left.size(), right.size());
        requireSame(shape(pair.one()), shape(pair.other()));
        for (int i = 0; i < left.size(); i++) {
          open.push(new Pair(left.get(i), right.get(i)));
        }
      } else if (partner != pair.other() || reverse != pair.one()) {
        throw new AssertionError(pair + " are shared at different places");
      }
    }
  }

  /** Reals bit for bit, which equals of a record leaves out for NaN. */
  private static void requireScalars(PickleValue a, PickleValue b) {
    if (a instanceof PickleValue.Real x && b instanceof PickleValue.Real y) {
      requireSame(Double.doubleToRawLongBits(x.value()), Double.doubleToRawLongBits(y.value()));
    } else {
      requireSame(a, b);
    }
  }

  private static void requireSame(Object a, Object b) {
    if (!a.equals(b)) {
      throw new AssertionError(a + " is not " + b);
    }
  }

  private static String shape(PickleValue value) {
    if (value instanceof PickleObject o) {
      return o.call() + " " + o.keywords().isPresent() + o.state().isPresent() + o.items().size();
    }
    if (value instanceof PickleBytes bytes) {
      return Arrays.toString(bytes.value());
    }
    return value instanceof PickleSet set ? "frozen " + set.frozen() : "";
  }

  private static List<PickleValue> parts(PickleValue value) {
    List<PickleValue> parts = new ArrayList<>();
    if (value instanceof PickleTuple tuple) {
      parts.addAll(tuple.items());
    } else if (value instanceof PickleList list) {
      parts.addAll(list.items());
    } else if (value instanceof PickleSet set) {
      parts.addAll(set.items());
    } else if (value instanceof PicklePersistent persistent) {
      parts.add(persistent.id());
    } else if (value instanceof PickleDict dict) {
      addItems(dict, parts);
    } else if (value instanceof PickleObject object) {
      parts.add(object.callee());
      parts.add(object.args());
      object.keywords().ifPresent(parts::add);
      object.state().ifPresent(parts::add);
      addItems(object.items(), parts);
    }
    return parts;
  }

  private static void addItems(PickleDict dict, List<PickleValue> parts) {
    for (PickleDict.Item item : dict.items()) {
      parts.add(item.key());
      parts.add(item.value());
    }
  }
}

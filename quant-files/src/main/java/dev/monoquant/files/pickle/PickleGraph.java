package dev.monoquant.files.pickle;

import dev.monoquant.ModelFormatException.Reason;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;

/**
 * Analyzes a value before it is written as a pickle: which values occur more than once, which
 * contain themselves, and which protocol is needed. Scalars are compared by value, all others by
 * identity.
 */
final class PickleGraph {

  /** The state of a value in the walk. */
  private enum Stage {
    MAKING,
    FILLING,
    DONE
  }

  /** A value being visited. */
  private static final class Frame {
    private final PickleValue value;
    private final Iterator<PickleValue> before;
    private final Iterator<PickleValue> after;

    Frame(PickleValue value) {
      PickleParts parts = PickleParts.of(value);
      this.value = value;
      this.before = parts.before().iterator();
      this.after = parts.after().iterator();
    }
  }

  private final PickleFault fault;
  private final Map<PickleValue, Stage> stages = new HashMap<>();
  private final Set<PickleValue> shared = new HashSet<>();
  private final Set<PickleValue> cyclic = new HashSet<>();
  private final Deque<Frame> open = new ArrayDeque<>();
  private int protocol = 2;

  private PickleGraph(PickleFault fault) {
    this.fault = fault;
  }

  static PickleGraph of(PickleValue root, PickleFault fault) {
    PickleGraph graph = new PickleGraph(fault);
    graph.meet(root);
    while (!graph.open.isEmpty()) {
      graph.step(graph.open.peek());
    }
    return graph;
  }

  /** {@return whether it occurs more than once and is worth an entry of the memo} */
  boolean isShared(PickleValue value) {
    return shared.contains(value);
  }

  /** {@return whether it contains itself} */
  boolean isCyclic(PickleValue value) {
    return cyclic.contains(value);
  }

  /** {@return the lowest protocol that has an operation for every value} */
  int protocol() {
    return protocol;
  }

  private void step(Frame frame) {
    if (frame.before.hasNext()) {
      meet(frame.before.next());
    } else if (frame.after.hasNext()) {
      stages.put(frame.value, Stage.FILLING);
      meet(frame.after.next());
    } else {
      stages.put(frame.value, Stage.DONE);
      open.pop();
    }
  }

  private void meet(PickleValue value) {
    if (!isShareable(value)) {
      return;
    }
    Stage stage = stages.putIfAbsent(value, Stage.MAKING);
    if (stage == Stage.MAKING) {
      throw fault.of(
          Reason.PICKLE_SHAPE,
          value.kind()
              + " is part of what it is made of, which no PyTorch can read. Break the cycle.");
    }
    if (stage != null) {
      shared.add(value);
      if (stage == Stage.FILLING) {
        cyclic.add(value);
      }
      return;
    }
    protocol = Math.max(protocol, needed(value));
    open.push(new Frame(value));
  }

  /** Excludes values that are not longer than a reference to them. */
  private static boolean isShareable(PickleValue value) {
    return !(value instanceof PickleValue.None
        || value instanceof PickleValue.Bool
        || value instanceof PickleValue.Int
        || value instanceof PickleValue.BigInt
        || value instanceof PickleValue.Real);
  }

  private static int needed(PickleValue value) {
    if (value instanceof PickleBytes) {
      return 3;
    }
    boolean late =
        value instanceof PickleSet
            || (value instanceof PickleObject object
                && object.call() == PickleObject.Call.NEW_WITH_KEYWORDS);
    return late ? 4 : 2;
  }
}

package dev.monoquant.files.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleList;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleSet;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.files.pickle.PickleValue.Int;
import dev.monoquant.files.pickle.PickleValue.Text;
import dev.monoquant.files.pickle.PickleWalk;
import dev.monoquant.spi.ReadLimits;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * Finds every tensor in the values of a checkpoint, in the order of the file, each with the keys
 * and indices that lead to it. An explicit stack and limits on depth, values and tensors bound the
 * work for cycles and for values that double at every level.
 */
public final class StateWalk {

  /**
   * A tensor and its location.
   *
   * @param path keys and indices from the root
   * @param object the call that makes the tensor
   */
  public record Found(List<String> path, PickleObject object) {

    /** Copies the path. */
    public Found {
      path = List.copyOf(path);
    }

    /** {@return the path joined with slashes} */
    public String name() {
      return String.join("/", path);
    }
  }

  /**
   * An object of a class, or a class or function itself, that is not on the allow-list. Its
   * contents are not searched for plain tensors.
   *
   * @param path keys and indices from the root
   * @param value the object
   * @param type the class or function
   * @param tensors the number of tensors in it that are in no earlier such object
   */
  public record Foreign(List<String> path, PickleValue value, Global type, int tensors) {

    /** Copies the path. */
    public Foreign {
      path = List.copyOf(path);
    }
  }

  /**
   * The contents of a pickle, in the order of the file.
   *
   * @param tensors every tensor in plain containers
   * @param foreign every unknown object in them
   */
  public record Contents(List<Found> tensors, List<Foreign> foreign) {

    /** Copies the lists. */
    public Contents {
      tensors = List.copyOf(tensors);
      foreign = List.copyOf(foreign);
    }
  }

  private record Open(PickleValue value, List<String> path) {}

  private final String file;
  private final String record;
  private final ReadLimits limits;
  private final Deque<Open> open = new ArrayDeque<>();
  private final List<Found> found = new ArrayList<>();
  private final List<Foreign> foreign = new ArrayList<>();
  private final Set<PickleValue> counted = Collections.newSetFromMap(new IdentityHashMap<>());
  private int seen;

  private StateWalk(String file, String record, ReadLimits limits) {
    this.file = file;
    this.record = record;
    this.limits = limits;
  }

  /**
   * Finds all tensors.
   *
   * @param root the value of the pickle
   * @param file the file, for messages
   * @param record the pickle, for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the tensors and the unknown objects
   * @throws ModelFormatException if the values are not a checkpoint or exceed a limit
   */
  public static Contents run(PickleValue root, String file, String record, ReadLimits limits) {
    StateWalk walk = new StateWalk(file, record, limits);
    walk.open.push(new Open(root, List.of()));
    while (!walk.open.isEmpty()) {
      walk.visit(walk.open.pop());
    }
    return new Contents(walk.found, walk.foreign);
  }

  private void visit(Open at) {
    if (++seen > limits.maxPickleValues()) {
      throw limit(seen + " values are met", limits.maxPickleValues(), "maxPickleValues");
    }
    if (at.path().size() > limits.maxDepth()) {
      throw limit("values are nested " + at.path().size() + " deep", limits.maxDepth(), "maxDepth");
    }
    PickleValue value = at.value();
    if (value instanceof PickleDict dict) {
      openItems(dict, at.path());
    } else if (value instanceof PickleTuple tuple) {
      openAll(tuple.items(), at.path());
    } else if (value instanceof PickleList list) {
      openAll(list.items(), at.path());
    } else if (value instanceof PickleSet set) {
      openAll(set.items(), at.path());
    } else if (value instanceof PicklePersistent persistent) {
      StorageId.of(persistent, file, "value " + quote(String.join("/", at.path())));
      throw new ModelFormatException(
          Reason.UNSUPPORTED_TENSOR,
          file,
          "value " + quote(String.join("/", at.path())),
          "is a bare storage, of no shape. Save tensors instead.");
    } else if (value instanceof PickleObject object) {
      visitObject(object, at.path());
    } else if (value instanceof Global global && !TorchGlobals.inCheckpoint(global)) {
      foreign.add(new Foreign(at.path(), global, global, 0));
    }
  }

  /** Whether the object wraps a tensor, as a parameter does; only that tensor is counted. */
  private static boolean isWrapped(PickleObject object) {
    return object.args().size() > 0
        && object.args().get(0) instanceof PickleObject inner
        && TorchGlobals.isTensor(inner.callee());
  }

  private void visitObject(PickleObject object, List<String> path) {
    if (!TorchGlobals.inCheckpoint(object.callee())) {
      long tensors =
          PickleWalk.objects(object, counted).stream()
              .filter(o -> TorchGlobals.isTensor(o.callee()) && !isWrapped(o))
              .count();
      foreign.add(new Foreign(path, object, type(object), (int) tensors));
      return;
    }
    if (TorchGlobals.isTensor(object.callee())) {
      if (found.size() == limits.maxTensors()) {
        throw limit("more tensors", limits.maxTensors(), "maxTensors");
      }
      found.add(new Found(path, object));
      return;
    }
    String callee = TorchGlobals.key(object.callee());
    if (callee.equals(TorchGlobals.ORDERED_DICT)) {
      openOrdered(object, path);
      return;
    }
    if (callee.equals(TorchGlobals.SIZE)
        && !(object.args().size() == 1 && isInts(object.args().get(0)))) {
      throw shape(path, "is a torch.Size that is not made of integers.");
    }
    if (object.items().size() > 0 || object.state().isPresent()) {
      throw shape(path, "is " + object.kind() + " with a state (BUILD) or items of its own.");
    }
  }

  /** The class in the arguments of {@code copyreg} or {@code getattr}, or else the callee. */
  private static Global type(PickleObject object) {
    boolean general =
        object.callee().module().equals("copyreg")
            || object.callee().module().equals("copy_reg")
            || object.callee().name().equals("getattr");
    return general && object.args().size() > 0 && object.args().get(0) instanceof Global named
        ? named
        : object.callee();
  }

  private void openOrdered(PickleObject object, List<String> path) {
    if (object.state().isPresent() && !(object.state().get() instanceof PickleDict)) {
      throw shape(path, "is an OrderedDict whose attributes are no dict.");
    }
    PickleDict items = object.items();
    if (object.args().size() == 1 && object.args().get(0) instanceof PickleList pairs) {
      // Python 2 writes a list of pairs.
      items = new PickleDict();
      for (PickleValue pair : pairs.items()) {
        List<PickleValue> two = pair(pair);
        if (two.size() != 2 || !PickleDict.isHashable(two.get(0))) {
          throw shape(path, "is an OrderedDict that is not made of pairs.");
        }
        if (!items.put(two.get(0), two.get(1))) {
          throw new ModelFormatException(
              Reason.DUPLICATE_KEY,
              file,
              "value " + quote(String.join("/", path)),
              "has a key twice. Save the model again.");
        }
      }
    } else if (object.args().size() != 0) {
      throw shape(path, "is an OrderedDict made of something else than pairs.");
    }
    openItems(items, path);
  }

  private static List<PickleValue> pair(PickleValue pair) {
    if (pair instanceof PickleTuple tuple) {
      return tuple.items();
    }
    return pair instanceof PickleList list ? list.items() : List.of();
  }

  private static boolean isInts(PickleValue value) {
    return pair(value).stream().allMatch(Int.class::isInstance)
        && (value instanceof PickleTuple || value instanceof PickleList);
  }

  private void openItems(PickleDict dict, List<String> path) {
    List<Open> children = new ArrayList<>();
    for (PickleDict.Item item : dict.items()) {
      List<String> under = step(path, key(item.key()));
      if (isForeign(item.key())) {
        children.add(new Open(item.key(), under));
      }
      children.add(new Open(item.value(), under));
    }
    pushReversed(children);
  }

  private static boolean isForeign(PickleValue value) {
    return (value instanceof PickleObject object && !TorchGlobals.inCheckpoint(object.callee()))
        || (value instanceof Global global && !TorchGlobals.inCheckpoint(global));
  }

  private static String key(PickleValue key) {
    if (key instanceof Text text) {
      return text.value();
    }
    if (key instanceof Int number) {
      return Long.toString(number.value());
    }
    return "(" + key.kind() + ")";
  }

  private void openAll(Collection<PickleValue> items, List<String> path) {
    List<Open> children = new ArrayList<>();
    int index = 0;
    for (PickleValue item : items) {
      children.add(new Open(item, step(path, Integer.toString(index++))));
    }
    pushReversed(children);
  }

  private void pushReversed(List<Open> children) {
    // Pending values count too; else wide values could double before they are visited.
    if (open.size() + (long) children.size() > limits.maxPickleValues()) {
      throw limit(
          (open.size() + children.size()) + " values are met",
          limits.maxPickleValues(),
          "maxPickleValues");
    }
    for (int i = children.size() - 1; i >= 0; i--) {
      open.push(children.get(i));
    }
  }

  private static List<String> step(List<String> path, String last) {
    List<String> longer = new ArrayList<>(path.size() + 1);
    longer.addAll(path);
    longer.add(last);
    return longer;
  }

  private ModelFormatException limit(String what, long most, String setting) {
    return new ModelFormatException(
        Reason.LIMIT,
        file,
        quote(record),
        what
            + ", at most "
            + most
            + " are read (limit "
            + setting
            + "); values may also contain themselves. Save model.state_dict() alone.");
  }

  private ModelFormatException shape(List<String> path, String detail) {
    return new ModelFormatException(
        Reason.PICKLE_SHAPE,
        file,
        "value " + quote(String.join("/", path)),
        detail + " The file is damaged or was altered; fetch it again.");
  }
}

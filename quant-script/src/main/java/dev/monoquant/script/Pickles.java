package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleList;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Bool;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.files.pickle.PickleValue.Int;
import dev.monoquant.files.pickle.PickleValue.Text;
import dev.monoquant.model.ElementType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Values as {@code torch.jit.save} pickles them. Source: {@code torch/csrc/jit/serialization}. */
public final class Pickles {

  /** The classes of storages in the module {@code torch}. */
  private static final Map<ElementType, String> STORAGES =
      new TreeMap<>(
          Map.ofEntries(
              Map.entry(ElementType.UINT8, "ByteStorage"),
              Map.entry(ElementType.INT8, "CharStorage"),
              Map.entry(ElementType.INT16, "ShortStorage"),
              Map.entry(ElementType.INT32, "IntStorage"),
              Map.entry(ElementType.INT64, "LongStorage"),
              Map.entry(ElementType.BOOL, "BoolStorage"),
              Map.entry(ElementType.FLOAT16, "HalfStorage"),
              Map.entry(ElementType.BFLOAT16, "BFloat16Storage"),
              Map.entry(ElementType.FLOAT32, "FloatStorage"),
              Map.entry(ElementType.FLOAT64, "DoubleStorage"),
              Map.entry(ElementType.FLOAT8_E4M3, "Float8_e4m3fnStorage"),
              Map.entry(ElementType.FLOAT8_E5M2, "Float8_e5m2Storage")));

  private Pickles() {}

  /** {@return whether libtorch 2.7 has storages of the type} */
  static boolean hasStorage(ElementType type) {
    return STORAGES.containsKey(type);
  }

  /**
   * {@return a contiguous tensor that covers a whole storage}
   *
   * @param storage the storage
   * @param shape its sizes; their product is the number of elements of the storage
   */
  public static PickleObject tensor(HeldStorage storage, List<Long> shape) {
    String type = STORAGES.get(storage.type());
    if (type == null) {
      throw new IllegalArgumentException("no storage of " + storage.type().wire());
    }
    PickleValue id =
        tuple(
            new Text("storage"),
            new Global("torch", type),
            new Text(storage.key()),
            new Text("cpu"),
            new Int(storage.elements()));
    List<Long> strides = new ArrayList<>();
    long stride = 1;
    for (int i = shape.size() - 1; i >= 0; i--) {
      strides.add(0, stride);
      stride = Math.multiplyExact(stride, Math.max(1, shape.get(i)));
    }
    return call(
        new Global("torch._utils", "_rebuild_tensor_v2"),
        tuple(
            new PicklePersistent(id),
            new Int(0),
            numbers(shape),
            numbers(strides),
            new Bool(false),
            call(new Global("collections", "OrderedDict"), tuple())));
  }

  /** {@return a {@code List[int]}} */
  static PickleObject integers(List<Integer> values) {
    PickleList list = new PickleList();
    values.forEach(v -> list.add(new Int(v)));
    return call(new Global("torch.jit._pickle", "build_intlist"), tuple(list));
  }

  /** {@return a {@code List[float]}} */
  static PickleObject doubles(List<Double> values) {
    PickleList list = new PickleList();
    values.forEach(v -> list.add(new PickleValue.Real(v)));
    return call(new Global("torch.jit._pickle", "build_doublelist"), tuple(list));
  }

  /** {@return a {@code List[Tensor]}} */
  static PickleObject tensors(List<PickleObject> values) {
    PickleList list = new PickleList();
    values.forEach(list::add);
    return call(new Global("torch.jit._pickle", "build_tensorlist"), tuple(list));
  }

  static PickleTuple tuple(PickleValue... items) {
    return new PickleTuple(List.of(items));
  }

  /**
   * {@return an object of a class of the program}
   *
   * @param qualified the qualified name of the class
   * @param state its attributes
   */
  public static PickleObject instance(String qualified, PickleValue state) {
    int dot = qualified.lastIndexOf('.');
    PickleObject object =
        new PickleObject(
            PickleObject.Call.NEW,
            new Global(qualified.substring(0, dot), qualified.substring(dot + 1)),
            tuple(),
            Optional.empty());
    object.setState(state);
    return object;
  }

  private static PickleObject call(Global callee, PickleTuple args) {
    return new PickleObject(PickleObject.Call.REDUCE, callee, args, Optional.empty());
  }

  private static PickleTuple numbers(List<Long> values) {
    return new PickleTuple(values.stream().map(v -> (PickleValue) new Int(v)).toList());
  }
}

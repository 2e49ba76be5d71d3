package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Text;
import dev.monoquant.model.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/** Builds small TorchScript archives. */
final class Build {

  private final TreeMap<String, String> code = new TreeMap<>();
  private final Map<String, byte[]> records = new TreeMap<>();
  private final Random random;
  private int key;

  Build(long seed) {
    this.random = new Random(seed);
  }

  /** Adds a class, or functions, to the file of its name. */
  Build code(String path, String... lines) {
    code.merge(path, String.join("\n", lines) + "\n", String::concat);
    return this;
  }

  /**
   * A model of a single operation on its input.
   *
   * @param call such as {@code torch.linear(x, weight, bias)}
   * @param bias a tensor, or {@link PickleValue.None}
   */
  ScriptArchive of(String call, PickleValue weight, PickleValue bias) {
    boolean biased = !bias.equals(PickleValue.None.INSTANCE);
    code(
        "__torch__.py",
        "class Net(Module):",
        "  __parameters__ = [\"weight\", " + (biased ? "\"bias\", " : "") + "]",
        "  __buffers__ = []",
        "  weight : Tensor",
        "  bias : " + (biased ? "Tensor" : "NoneType"),
        "  training : bool",
        "  def forward(self: __torch__.Net,",
        "    x: Tensor) -> Tensor:",
        "    weight = self.weight");
    if (biased) {
      code("__torch__.py", "    bias = self.bias");
    }
    code("__torch__.py", "    return " + call);
    return archive(module("__torch__.Net", Map.of("weight", weight, "bias", bias)));
  }

  /** A random tensor in a storage of its own; values of a normal distribution by the scale. */
  PickleObject tensor(double scale, long... shape) {
    float[] values =
        new float[Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact))];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextGaussian() * scale);
    }
    return tensor(values, shape);
  }

  /** A tensor of these numbers in a storage of its own. */
  PickleObject tensor(float[] values, long... shape) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    String name = Integer.toString(key++);
    records.put("data/" + name, bytes.array());
    return view(name, values.length, shape);
  }

  /** Another tensor of the same storage. */
  static PickleObject view(String storage, long elements, long... shape) {
    return Pickles.tensor(
        new HeldStorage(storage, "", "", ElementType.FLOAT32, elements),
        Arrays.stream(shape).boxed().toList());
  }

  /** {@return the key of the tensor made last} */
  String lastKey() {
    return Integer.toString(key - 1);
  }

  /** A module. */
  static PickleObject module(String type, Map<String, PickleValue> attributes) {
    PickleDict state = new PickleDict();
    attributes.forEach((name, value) -> state.put(new Text(name), value));
    state.put(new Text("training"), new PickleValue.Bool(false));
    return Pickles.instance(type, state);
  }

  ScriptArchive archive(PickleObject root) {
    return new ScriptArchive(new ScriptProgram(code, root, new PickleTuple(List.of())), records);
  }

  /** An archive whose storages are those of constants of the code. */
  ScriptArchive archive(PickleObject root, List<PickleValue> constants) {
    Map<String, byte[]> moved = new TreeMap<>();
    records.forEach((name, bytes) -> moved.put(name.replace("data/", "constants/"), bytes));
    return new ScriptArchive(new ScriptProgram(code, root, new PickleTuple(constants)), moved);
  }
}

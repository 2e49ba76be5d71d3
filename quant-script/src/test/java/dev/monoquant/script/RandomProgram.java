package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Random programs of layers in chains and branches: shared classes, modules and tensors, weights as
 * arguments of methods and functions, names that are no identifiers. All values are (rows, WIDTH).
 */
final class RandomProgram {

  static final int WIDTH = 24;

  private static final String[] NAMES = {
    "fc", "class", "0", "a b", "weight", "x.y", "self", "torch", "None", "\u00e9", "forward_1"
  };

  private final Random random;
  private final Build build;
  private final List<PickleObject> layers = new ArrayList<>();
  private final List<String> layerTypes = new ArrayList<>();

  private RandomProgram(long seed) {
    this.random = new Random(seed);
    this.build = new Build(seed);
  }

  static ScriptArchive of(long seed) {
    return new RandomProgram(seed).make();
  }

  private ScriptArchive make() {
    functions();
    int types = 1 + random.nextInt(3);
    for (int i = 0; i < types; i++) {
      layerClass(i);
    }
    int count = 2 + random.nextInt(5);
    Map<String, PickleValue> attributes = new LinkedHashMap<>();
    Map<String, String> declared = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      String type = "__torch__.net.___torch_mangle_" + random.nextInt(types) + ".Layer";
      int other = layers.isEmpty() ? 0 : random.nextInt(layers.size());
      boolean again = i > 0 && random.nextInt(5) == 0;
      PickleObject layer = again ? layers.get(other) : layer(type, i > 0, other);
      layers.add(layer);
      layerTypes.add(again ? layerTypes.get(other) : type);
      String name = NAMES[(i * 3 + random.nextInt(3)) % NAMES.length] + (i > 2 ? i : "");
      attributes.put(name, layer);
      declared.put(name, layerTypes.get(i));
    }
    root(declared);
    return build.archive(Build.module("__torch__.Net", attributes));
  }

  private PickleObject layer(String type, boolean mayShare, int other) {
    PickleObject weight;
    if (!mayShare || random.nextInt(3) > 0) {
      weight = build.tensor(0.3, WIDTH, WIDTH);
    } else {
      weight =
          (PickleObject)
              ((dev.monoquant.files.pickle.PickleDict) layers.get(other).state().orElseThrow())
                  .find("the weight")
                  .orElseThrow();
      if (random.nextBoolean()) {
        TensorView view = TensorView.of(weight).orElseThrow();
        weight = Build.view(view.key(), (long) WIDTH * WIDTH, WIDTH, WIDTH);
      }
    }
    return Build.module(type, Map.of("the weight", weight, "bias", build.tensor(1, WIDTH)));
  }

  private void functions() {
    build.code(
        "__torch__/functions.py",
        "def product(input: Tensor,",
        "    weight: Tensor,",
        "    bias: Optional[Tensor]=None) -> Tensor:",
        "  if torch.eq(torch.size(weight, 0), torch.size(input, -1)):",
        "    _0 = torch.linear(input, weight, bias)",
        "  else:",
        "    _0 = torch.matmul(input, torch.t(weight))",
        "  return _0",
        "def spread(input: Tensor,",
        "    weight: Tensor) -> Tensor:",
        "  _1 = __torch__.functions.product",
        "  return torch.add(_1(input, weight, None, ), torch.sum(weight))");
  }

  /** What a layer does with its weight. */
  private String use() {
    return switch (random.nextInt(9)) {
      case 0 -> "torch.addmm(bias, input, weight)";
      case 1 -> "torch.matmul(input, weight)";
      case 2 -> "torch.matmul(input, torch.transpose(weight, 0, 1))";
      case 3 -> "__torch__.functions.product(input, weight, bias, )";
      case 4 -> "__torch__.functions.spread(input, weight, )";
      case 5 ->
          "torch.add(torch.linear(input, weight, None), torch.mul(input, torch.mean(weight)))";
      case 6 -> "(self).inner(weight, input, )";
      case 7 -> "torch.div(torch.linear(input, weight, bias), torch.size(weight, 1))";
      default -> "torch.linear(input, weight, bias)";
    };
  }

  private void layerClass(int index) {
    String self = "__torch__.net.___torch_mangle_" + index + ".Layer";
    build.code(
        "__torch__/net/___torch_mangle_" + index + ".py",
        "class Layer(Module):",
        "  __parameters__ = [\"the weight\", \"bias\", ]",
        "  __buffers__ = []",
        "  __annotations__[\"the weight\"] = Tensor",
        "  bias : Tensor",
        "  training : bool",
        "  def forward(self: " + self + ",",
        "    input: Tensor) -> Tensor:",
        "    weight = getattr(self, \"the weight\")",
        "    bias = self.bias",
        "    _0 = " + use(),
        "    return torch.tanh(_0)",
        "  def inner(self: " + self + ",",
        "    weight: Tensor,",
        "    input: Tensor) -> Tensor:",
        "    bias = self.bias",
        "    if torch.gt(torch.dim(input), 1):",
        "      _1 = torch.linear(input, weight, bias)",
        "    else:",
        "      _1 = weight",
        "    return _1");
  }

  private void root(Map<String, String> declared) {
    List<String> lines = new ArrayList<>();
    lines.add("class Net(Module):");
    lines.add("  __parameters__ = []");
    lines.add("  __buffers__ = []");
    declared.forEach((name, type) -> lines.add("  __annotations__[\"" + name + "\"] = " + type));
    lines.add("  training : bool");
    lines.add("  def forward(net: __torch__.Net,");
    lines.add("    x: Tensor) -> Tensor:");
    int value = 0;
    lines.add("    v0 = x");
    for (String name : declared.keySet()) {
      String from = "v" + random.nextInt(value + 1);
      String module = "getattr(net, \"" + name + "\")";
      int next = value + 1;
      lines.add("    m" + next + " = " + module);
      String call = "(m" + next + ").forward(" + from + ", )";
      switch (random.nextInt(4)) {
        case 0 -> {
          lines.add("    w" + next + " = getattr(m" + next + ", \"the weight\")");
          call = "(m" + next + ").inner(w" + next + ", " + from + ", )";
        }
        case 1 -> {
          lines.add("    w" + next + " = getattr(m" + next + ", \"the weight\")");
          lines.add("    f" + next + " = __torch__.functions.product");
          call = "torch.tanh(f" + next + "(" + from + ", w" + next + ", None, ))";
        }
        default -> {}
      }
      lines.add("    v" + next + " = torch.add(torch.mul(v" + value + ", 0.5), " + call + ")");
      value = next;
    }
    lines.add("    return v" + value);
    build.code("__torch__.py", lines.toArray(String[]::new));
  }
}

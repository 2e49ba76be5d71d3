package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.model.LayerKind;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.RunnableFile;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.Chars;
import net.jqwik.api.constraints.StringLength;

/** Weights are read whatever else the code says; a rewriting asks for all of it. */
class ScriptTest {

  private static final String LINEAR = "__torch__.torch.nn.modules.linear.Linear";

  private final Build build = new Build(1);

  /** A module of two layers, with lines put into a class that stands before theirs. */
  private Script script(String... odd) {
    build.code(
        "__torch__.py",
        "class Net(Module):",
        "  __parameters__ = [\"scale\", ]",
        "  __buffers__ = []",
        "  scale : Tensor",
        "  fc : " + LINEAR,
        "  again : " + LINEAR,
        "  def forward(self: __torch__.Net,",
        "    x: Tensor) -> Tensor:",
        "    return x");
    String file = "__torch__/torch/nn/modules/linear.py";
    build.code(file, "class Odd(Module):", "  def other(self: __torch__.Odd) -> int:");
    build.code(file, odd);
    build.code(
        file,
        "class Linear(Module):",
        "  __parameters__ = [\"weight\", ]",
        "  __buffers__ = [\"running\", ]",
        "  weight : Tensor",
        "  running : Tensor",
        "  plain : Tensor");
    Map<String, PickleValue> own = new LinkedHashMap<>();
    own.put("weight", build.tensor(1, 2, 2));
    own.put("running", build.tensor(1, 2));
    own.put("plain", build.tensor(1, 2));
    PickleObject linear = Build.module(LINEAR, own);
    Map<String, PickleValue> root = new LinkedHashMap<>();
    root.put("fc", linear);
    root.put("again", linear);
    root.put("scale", build.tensor(1, 1));
    return script(Build.module("__torch__.Net", root), ReadLimits.DEFAULT);
  }

  private Script script(PickleObject root, ReadLimits limits) {
    return new Script(build.archive(root).program(), "model.pt", limits);
  }

  private static void requireState(Script script) {
    StateDict state = script.stateDict();
    assertThat(state.nodes()).extracting(StateDict.Node::path).containsExactly("", "fc", "again");
    assertThat(state.nodes().get(0).tensors()).containsOnlyKeys("scale");
    assertThat(state.nodes().get(0).kind()).isEmpty();
    assertThat(state.nodes().get(2).tensors()).containsOnlyKeys("weight", "running");
    assertThat(state.nodes().get(2).kind()).contains(LayerKind.LINEAR);
    assertThat(state.nodes().get(2).tensorName("weight")).isEqualTo("again.weight");
    assertThat(state.leftOut()).containsExactly("fc.plain", "again.plain");
    assertThat(script.methods())
        .containsExactly(
            new RunnableFile.Method(
                "forward", List.of(new RunnableFile.Parameter("x", "Tensor", false)), false));
  }

  @Example
  void whatIsUnderstoodHasNoNotes() {
    Script script = script("    return 2");
    requireState(script);
    assertThat(script.notes()).isEmpty();
    assertThat(script.rewriter()).isSameAs(script.rewriter());
  }

  /** Such lines are in no file of torch's, but weights do not depend on them. */
  @Example
  void whatIsNotUnderstoodIsTold() {
    for (String odd :
        List.of(
            "    x = torch.add(1, [2, 3",
            "    x = \"no end",
            "\ty = 1",
            "    )",
            "  twice : int\n  twice : int",
            "  x : Dict[int",
            "def free(:\n  return 1\nclass Next(Module):\n  __parameters__ = []")) {
      Script script = new ScriptTest().script(odd);
      requireState(script);
      assertThat(script.notes()).hasSize(1);
      assertThat(script.notes().get(0)).contains("modules/linear.py", "is not as torch writes it");
      assertThatThrownBy(script::rewriter)
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("is not as torch writes it");
    }
  }

  /** Whatever stands in a body: classes before and behind it keep their parameters. */
  @Property(tries = 500)
  void anyBodyIsPassed(
      @ForAll
          @Chars({'(', ')', '[', '"', '\\', '\n', '\t', '#', ' ', ','})
          @CharRange(from = 'a', to = 'c')
          @StringLength(max = 40)
          String odd) {
    requireState(new ScriptTest().script("    " + odd.replace("\n", "\n    ")));
  }

  @Example
  void twoClassesOfOneNameAreRefused() {
    build.code("__torch__.py", "class Net(Module):", "  __parameters__ = []");
    assertThatThrownBy(() -> script("    return 2").stateDict())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("class Net is there twice");
    TreeMap<String, String> code = new TreeMap<>();
    code.put("a/b.py", "class A(Module):\n  __parameters__ = []\n");
    code.put("a.b.py", "class A(Module):\n  __parameters__ = []\n");
    assertThatThrownBy(() -> Definitions.of(code, "model.pt", ReadLimits.DEFAULT))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("another entry declares too");
  }

  @Example
  void definitionsAreCounted() {
    StringBuilder many = new StringBuilder("class A(Module):\n  __parameters__ = []\n");
    for (int i = 0; i < 1000; i++) {
      many.append("  a").append(i).append(" : Tensor\n");
    }
    TreeMap<String, String> code = new TreeMap<>(Map.of("a.py", many.toString()));
    assertThat(Definitions.of(code, "model.pt", ReadLimits.DEFAULT).classes()).hasSize(1);
    assertThatThrownBy(
            () -> Definitions.of(code, "model.pt", ReadLimits.DEFAULT.withMaxPickleValues(1000)))
        .isInstanceOfSatisfying(
            ModelFormatException.class, e -> assertThat(e.reason()).isEqualTo(Reason.LIMIT))
        .hasMessageContaining("maxPickleValues");
  }

  /** A class that restores itself hides nothing that is in a dict, but nobody may rewrite it. */
  @Example
  void modulesWithStateOfTheirOwnAreReadAndNotRewritten() {
    build.code(
        "__torch__.py",
        "class Own(Module):",
        "  __parameters__ = [\"w\", ]",
        "  __buffers__ = []",
        "  w : Tensor",
        "  below : __torch__.Below",
        "  def __setstate__(self: __torch__.Own, state: Dict[str, Tensor]) -> NoneType:",
        "    return None",
        "class Below(Module):",
        "  __parameters__ = [\"w\", ]",
        "  __buffers__ = []",
        "  w : Tensor");
    PickleObject below = Build.module("__torch__.Below", Map.of("w", build.tensor(1, 2, 2)));
    Map<String, PickleValue> attributes = new LinkedHashMap<>();
    attributes.put("w", build.tensor(1, 2, 2));
    attributes.put("below", below);
    Script script = script(Build.module("__torch__.Own", attributes), ReadLimits.DEFAULT);
    assertThat(script.stateDict().nodes())
        .extracting(n -> n.tensorName("w"))
        .containsExactly("w", "below.w");
    assertThat(script.modules().all()).hasSize(1);
    assertThat(script.modules().names()).isEmpty();
  }

  @Example
  void aPackedModuleIsRefused() {
    build.code("__torch__.py", "class Own(Module):", "  __parameters__ = []");
    PickleObject own = Build.module("__torch__.Own", Map.of());
    own.setState(new PickleTuple(List.of(build.tensor(1, 2, 2))));
    assertThatThrownBy(() -> script(own, ReadLimits.DEFAULT).stateDict())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("__getstate__");
  }

  @Example
  void modulesAreCountedAtEveryPlace() {
    build.code("__torch__.py", "class A(Module):", "  __parameters__ = []");
    PickleObject module = Build.module("__torch__.A", Map.of());
    for (int depth = 0; depth < 40; depth++) {
      Map<String, PickleValue> two = new LinkedHashMap<>();
      two.put("a", module);
      two.put("b", module);
      module = Build.module("__torch__.A", two);
    }
    Script doubled = script(module, ReadLimits.DEFAULT.withMaxTensors(1000));
    assertThatThrownBy(doubled::stateDict)
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("1001th module")
        .hasMessageContaining("maxTensors");
    for (int depth = 0; depth < 40; depth++) {
      module = Build.module("__torch__.A", Map.of("a", module));
    }
    Script deep = script(module, ReadLimits.DEFAULT);
    assertThatThrownBy(deep::stateDict)
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("maxDepth");
    PickleObject root = Build.module("__torch__.A", Map.of());
    ((PickleDict) root.state().orElseThrow()).put(new PickleValue.Text("a"), root);
    assertThatThrownBy(() -> script(root, ReadLimits.DEFAULT).stateDict())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("contains itself");
  }
}

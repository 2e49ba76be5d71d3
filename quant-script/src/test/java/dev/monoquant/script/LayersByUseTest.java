package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ReadLimits;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import net.jqwik.api.Example;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Layers of parameters that no module of a known class has, by what the code does with them. */
class LayersByUseTest {

  private static final String PARAMETERS = "  __parameters__ = [\"%s\", ]\n  __buffers__ = []";
  private static final String BUFFERS = "  __parameters__ = []\n  __buffers__ = [\"%s\", ]";

  private static Script script(String type, String lists, String name, String call, String dims) {
    Build build = new Build(1);
    String path = "__torch__" + (type.isEmpty() ? "" : "/" + type.replace('.', '/')) + ".py";
    build.code(
        path,
        "class Net(Module):",
        lists.formatted(name),
        "  %s : Tensor".formatted(name),
        "  training : bool",
        "  def forward(self: __torch__%s.Net,".formatted(type.isEmpty() ? "" : "." + type),
        "    x: Tensor) -> Tensor:",
        "    w = self." + name,
        "    return " + call);
    PickleObject root =
        Build.module(
            "__torch__" + (type.isEmpty() ? "" : "." + type) + ".Net",
            Map.of(name, build.tensor(1, dims(dims))));
    return new Script(build.archive(root).program(), "model.pt", ReadLimits.DEFAULT);
  }

  private static long[] dims(String text) {
    return Arrays.stream(text.split("x")).mapToLong(Long::parseLong).toArray();
  }

  private static String found(Script script, String name, String dims) {
    TensorInfo tensor = new TensorInfo(name, ElementType.FLOAT32, TensorShape.of(dims(dims)));
    return script.layersByUse(List.of(tensor)).stream()
        .map(LayersByUseTest::text)
        .collect(Collectors.joining(", "));
  }

  private static String text(Layer layer) {
    return layer.name() + " " + layer.kind() + " " + layer.tensors().keySet();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.linear(x, w) | 4x3 | table Linear [weight]",
        "torch.matmul(x, torch.t(w)) | 4x3 | table Linear [weight]",
        "torch.mm(w, x) | 4x3 | table Linear [weight]",
        "torch.einsum(\"bi,oi->bo\", [x, w]) | 4x3 | table Linear [weight]",
        "torch.matmul(x, w) | 4x3 | table Conv1D [weight]",
        "torch.addmm(x, x, w) | 4x3 | table Conv1D [weight]",
        "torch.embedding(w, x) | 4x3 | table Embedding [weight]",
        "torch.linear(torch.embedding(w, x), w) | 4x3 | table Linear [weight]",
        "torch.conv1d(x, w) | 4x3x2 | table Conv1d [weight]",
        "torch.conv2d(x, w) | 4x3x2x2 | table Conv2d [weight]",
        "torch.linear(x, torch.squeeze(w, -1)) | 4x3x1 | table Conv1d [weight]",
        "torch.add(x, w) | 4x3 | ''",
        "torch.linear(x, torch.mul(w, 2)) | 4x3 | ''",
        "torch.linear(x, torch._weight_norm(w, x, 0)) | 4x3 | ''",
        "torch.linear(x, torch._weight_norm(x, w, 0)) | 4x3 | ''",
        "torch.linear(torch.add_(w, 1), w) | 4x3 | ''",
        "torch.bmm(x, w) | 4x3x2 | ''",
        "torch.matmul(x, w) | 4 | ''",
      })
  void aParameterIsTheLayerThatTheCodeMakesIt(String call, String dims, String layer) {
    assertThat(found(script("", PARAMETERS, "table", call, dims), "table", dims)).isEqualTo(layer);
  }

  @Example
  void codeThatIsNotUnderstoodHasNone() {
    Script script = script("", PARAMETERS, "table", "torch.linear(x, [w)", "4x3");
    assertThat(script.notes()).hasSize(1);
    assertThat(found(script, "table", "4x3")).isEmpty();
  }

  /** Buffers may be anything; modules of classes whose weights are known declare their own. */
  @Example
  void whatIsKnownOtherwiseIsNotUnknown() {
    String call = "torch.linear(x, w)";
    assertThat(unknown(script("", PARAMETERS, "table", call, "4x3"))).containsExactly("table");
    assertThat(unknown(script("", BUFFERS, "table", call, "4x3"))).isEmpty();
    for (String name : List.of("weight", "fc_weight", "in_proj_weight", "embedding", "w_orig")) {
      assertThat(unknown(script("", PARAMETERS, name, call, "4x3"))).isEmpty();
    }
    // The value and the gate of an attention are named so, as are the parts of weight_norm.
    for (String name : List.of("w_v", "w_g")) {
      assertThat(unknown(script("", PARAMETERS, name, call, "4x3"))).containsExactly(name);
    }
    assertThat(unknown(script("torch.nn.modules.x", PARAMETERS, "0", call, "4x3")))
        .containsExactly("0");
  }

  /** A parameter of that name tells the kind of itself, not of what is beside it. */
  @Example
  void aParameterBesideAnEmbeddingIsUnknown() {
    Build build = new Build(1);
    build.code(
        "__torch__.py",
        "class Net(Module):",
        "  __parameters__ = [\"embedding\", \"head\", ]",
        "  __buffers__ = []",
        "  embedding : Tensor",
        "  head : Tensor",
        "  training : bool",
        "  def forward(self: __torch__.Net,",
        "    x: Tensor) -> Tensor:",
        "    head = self.head",
        "    return torch.matmul(torch.embedding(self.embedding, x), head)");
    PickleObject root =
        Build.module(
            "__torch__.Net",
            Map.of("embedding", build.tensor(1, 9, 4), "head", build.tensor(1, 4, 3)));
    Script script = new Script(build.archive(root).program(), "model.pt", ReadLimits.DEFAULT);
    assertThat(unknown(script)).containsExactly("head");
    assertThat(found(script, "head", "4x3")).isEqualTo("head Conv1D [weight]");
  }

  private static Set<String> unknown(Script script) {
    return script.stateDict().nodes().get(0).unknown();
  }

  @Example
  void aConstantIsOneByAnyProduct() {
    Build build = new Build(1);
    build.code(
        "__torch__.py",
        "class Net(Module):",
        "  __parameters__ = []",
        "  __buffers__ = []",
        "  training : bool",
        "  def forward(self: __torch__.Net,",
        "    x: Tensor) -> Tensor:",
        "    return torch.matmul(x, CONSTANTS.c0)");
    PickleObject constant = build.tensor(1, 4, 3);
    ScriptProgram program = build.archive(Build.module("__torch__.Net", Map.of())).program();
    PickleTuple constants = new PickleTuple(List.of(constant));
    Script script =
        new Script(
            new ScriptProgram(program.code(), program.data(), constants),
            "model.pt",
            ReadLimits.DEFAULT);
    assertThat(found(script, "CONSTANTS.c0", "4x3")).isEqualTo("CONSTANTS.c0 Conv1D [weight]");
  }
}

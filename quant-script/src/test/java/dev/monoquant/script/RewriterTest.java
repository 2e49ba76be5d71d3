package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is written, and what is refused and why. */
class RewriterTest {

  private static final String WEIGHT = "__torch__.monoquant.Weight";
  private static final String DECLARED = "__torch__.monoquant.Held";
  private static final OptionValues DYNAMIC = Quantized.options(Mode.DYNAMIC, 0);

  private final Build build = new Build(7);

  /** A module of one weight whose forward is given. */
  private ScriptArchive single(String... body) {
    single(build, body);
    return build.archive(
        Build.module(
            "__torch__.Net", Map.of("weight", build.tensor(1, 8, 8), "bias", build.tensor(1, 8))));
  }

  private static void single(Build build, String... body) {
    String[] lines = new String[8 + body.length];
    lines[0] = "class Net(Module):";
    lines[1] = "  __parameters__ = [\"weight\", \"bias\", ]";
    lines[2] = "  __buffers__ = []";
    lines[3] = "  weight : Tensor";
    lines[4] = "  bias : Tensor";
    lines[5] = "  training : bool";
    lines[6] = "  def forward(self: __torch__.Net,";
    lines[7] = "    x: Tensor) -> Tensor:";
    for (int i = 0; i < body.length; i++) {
      lines[8 + i] = "    " + body[i];
    }
    build.code("__torch__.py", lines);
  }

  private static Quantized held(ScriptArchive archive) {
    return new Quantized(archive).addAll(PlainScheme.INT8, DYNAMIC);
  }

  private static String code(Quantized quantized, String path) {
    return quantized.rewrite().program().code().get(path);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.linear(x, weight, bias) | (weight).linear(x, bias, )",
        "torch.linear(x, weight) | (weight).linear(x, None, )",
        "torch.addmm(bias, x, weight) | (weight).linear(x, bias, )",
        "torch.addmm(bias, x, torch.t(weight)) | (weight).linear(x, bias, )",
        "torch.matmul(x, weight) | (weight).linear(x, None, )",
        "torch.matmul(weight, x) | torch.matmul((weight).tensor(), x)",
        "torch.addmm(bias, x, weight, 2, 1) | torch.addmm(bias, x, (weight).tensor(), 2, 1)",
        "torch.addmm(bias, x, weight, beta=2) |"
            + " torch.add(torch.mul(bias, 2), (weight).linear(x, None, ))",
        "torch.addmm(bias, x, torch.t(weight), beta=1, alpha=0.5) |"
            + " torch.add(torch.mul(bias, 1), torch.mul((weight).linear(x, None, ), 0.5))",
        "torch.addmm(bias, x, weight, beta=0) | torch.addmm(bias, x, (weight).tensor(), beta=0)",
        "torch.addmm(bias, x, weight, alpha=y) | torch.addmm(bias, x, (weight).tensor(), alpha=y)",
        "torch.mm(x, torch.numpy_T(weight)) | (weight).linear(x, None, )",
        "torch.matmul(x, torch.mT(weight)) | (weight).linear(x, None, )",
        "torch.matmul(x, torch.transpose(weight, -1, -2)) | (weight).linear(x, None, )",
        "torch.matmul(x, torch.permute(weight, [1, 0])) | (weight).linear(x, None, )",
        "torch.matmul(x, torch.permute(weight, [0, 1])) |"
            + " torch.matmul(x, torch.permute((weight).tensor(), [0, 1]))",
        "torch.numpy_T(weight) | torch.transpose((weight).tensor(), 0, 1)",
        "torch.einsum(\"bi,oi->ob\", [x, weight]) |"
            + " torch.einsum(\"bi,oi->ob\", [x, (weight).tensor()])",
        "torch.einsum(\"bi,bi->b\", [x, weight]) |"
            + " torch.einsum(\"bi,bi->b\", [x, (weight).tensor()])",
        "torch.mm(weight, x) | torch.contiguous(torch.t((weight).linear(torch.t(x), None, )))",
        "torch.linear(x, torch.detach(weight)) | (weight).linear(x, None, )",
        "torch.linear(x, torch.contiguous(weight)) | (weight).linear(x, None, )",
        "torch.linear(x, torch.contiguous(torch.t(weight))) | (weight).linear(x, None, )",
        "torch.linear(x, torch.to(weight, 6), bias) | (weight).linear(x, bias, )",
        "torch.linear(x, torch.to(weight, torch.device(\"cpu\"), 6)) | (weight).linear(x, None, )",
        "torch.linear(x, torch.to(weight, dtype=6, layout=0, device=torch.device(\"cpu\"))) |"
            + " (weight).linear(x, None, )",
        "torch.linear(x, torch.to(weight, 7)) | torch.linear(x, torch.to((weight).tensor(), 7))",
        "torch.linear(x, torch.to(weight, 6, False, True)) |"
            + " torch.linear(x, torch.to((weight).tensor(), 6, False, True))",
        "torch.linear(x, torch.to(weight, torch.device(\"cuda:0\"))) |"
            + " torch.linear(x, torch.to((weight).tensor(), torch.device(\"cuda:0\")))",
        "torch.linear(x, torch.to(weight, dtype=5)) |"
            + " torch.to((weight).linear(torch.to(x, 6), None, ), 5)",
        "torch.linear(x, torch.to(weight, dtype=7)) |"
            + " torch.linear(x, torch.to((weight).tensor(), dtype=7))",
        "torch.embedding(weight, x, 0, False) | (weight).embed(x, )",
        "torch.size(weight, 0) | torch.size((weight).shape_only(), 0)",
        "torch.t(weight) | torch.transpose((weight).tensor(), 0, 1)",
        "torch.mul(x, [weight, x][0]) | torch.mul(x, [(weight).tensor(), x][0])",
        "torch.conv2d(x, weight, bias, [1, 1], x) |"
            + " torch.conv2d(x, (weight).tensor(), bias, [1, 1], x)",
        "torch.conv2d(x, weight, bias, [1, 1], \"same\") |"
            + " torch.conv2d(x, (weight).tensor(), bias, [1, 1], \"same\")",
        "torch._convolution(x, weight, bias, [1], [0], [1], True, [0], 1, False, False, True, True)"
            + " | torch._convolution(x, (weight).tensor(), bias, [1], [0], [1], True, [0], 1,"
            + " False, False, True, True)",
      })
  void usesByTheirContext(String before, String after) {
    Quantized quantized =
        held(single("weight = self.weight", "bias = self.bias", "return " + before));
    assertThat(quantized.refused()).isEmpty();
    assertThat(code(quantized, "__torch__.py")).contains("    return " + after + "\n");
  }

  /** Of more axes the last two are not the first two; of another type a cast is one. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.matmul(x, torch.mT(weight)) | torch.matmul(x, torch.mT((weight).tensor()))",
        "torch.numpy_T(weight) | torch.numpy_T((weight).tensor())",
        "torch.transpose(weight, -1, -2) | torch.transpose((weight).tensor(), -1, -2)",
        "torch.to(weight, 6) | torch.to((weight).tensor(), 6)",
        "torch.neg(torch.detach(weight)) | torch.neg((weight).tensor())",
      })
  void whatDependsOnTheTensor(String before, String after) {
    single(build, "weight = self.weight", "return " + before);
    build.tensor(1, 2, 8, 8);
    HeldStorage bytes = new HeldStorage(build.lastKey(), "", "", ElementType.FLOAT16, 256);
    PickleObject half = Pickles.tensor(bytes, List.of(2L, 8L, 16L));
    Quantized quantized =
        held(
            build.archive(
                Build.module("__torch__.Net", Map.of("weight", half, "bias", build.tensor(1, 8)))));
    assertThat(quantized.refused()).isEmpty();
    assertThat(code(quantized, "__torch__.py")).contains("    return " + after + "\n");
  }

  @Test
  void nameThatIsSetTwiceGetsTheTensor() {
    Quantized quantized =
        held(
            single(
                "w = self.weight",
                "if torch.gt(torch.dim(x), 2):",
                "  w = torch.neg(w)",
                "else:",
                "  pass",
                "return torch.linear(x, w, self.bias)"));
    assertThat(code(quantized, "__torch__.py"))
        .contains("    w = (self.weight).tensor()\n")
        .contains("torch.linear(x, w, self.bias)");
  }

  @Test
  void nameWithADeclaredTypeGetsTheTensor() {
    Quantized quantized =
        held(
            single(
                "w : Optional[Tensor] = self.weight",
                "v = unchecked_cast(Tensor, w)",
                "return torch.linear(x, v, self.bias)"));
    assertThat(code(quantized, "__torch__.py"))
        .contains("    w : Optional[Tensor] = (self.weight).tensor()\n")
        .contains("torch.linear(x, v, self.bias)");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "_0 = torch.add_(weight, 1) | changes it",
        "self.weight = x | the code sets it",
        "y = weight if x else x | not understood: \"y = weight if x else x\"",
        "y = self.weight + x | not understood",
        "y : Any = [self] | used in a way that is not followed",
        "y = [self] | used in a way that is not followed",
      })
  void refusals(String line, String reason) {
    Quantized quantized =
        held(single("weight = self.weight", line, "return torch.linear(x, weight, None)"));
    assertThat(quantized.refused().get("weight")).contains(reason);
  }

  @Test
  void smallAndFlatWeightsAreLeftAlone() {
    ScriptArchive archive = single("return torch.linear(x, self.weight, self.bias)");
    Quantized quantized = new Quantized(archive);
    assertThat(quantized.add("weight", 0, PlainScheme.INT8, OptionValues.DEFAULTS)).isPresent();
    assertThat(quantized.refused().get("weight")).contains("64 numbers", "1024", "option small");
    assertThat(quantized.add("bias", 0, PlainScheme.INT8, DYNAMIC)).isPresent();
    assertThat(quantized.refused().get("bias")).contains("at least 2 dimensions");
    assertThat(quantized.add("weight", 0, PlainScheme.INT8, DYNAMIC)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.linear(x, weight, bias) | 1025 | weight-only | too small to gain",
        "torch.linear(x, weight, bias) | 1024 | dynamic | int8 products",
        "torch.conv1d(x, weight, bias) | 11263 | dynamic | int8 convolution",
        "torch.conv1d(x, weight, bias) | 11264 | weight-only | too small to gain",
      })
  void smallWeightsAreHeldButNotExecuted(String call, int small, String mode, String note) {
    boolean convolution = call.contains("conv1d");
    single(build, "weight = self.weight", "bias = self.bias", "return " + call);
    ScriptArchive archive =
        build.archive(
            Build.module(
                "__torch__.Net",
                Map.of(
                    "weight",
                    convolution ? build.tensor(1, 16, 32, 2) : build.tensor(1, 32, 32),
                    "bias",
                    build.tensor(1, 32))));
    Quantized quantized = new Quantized(archive);
    Rewriter rewriter = quantized.rewriter();
    assertThat(quantized.add("weight", 0, PlainScheme.INT8, Quantized.options(Mode.DYNAMIC, 0)))
        .isEmpty();
    EncodedWeight asked = quantized.weights().get(0);
    EncodedWeight weight =
        PlainScheme.INT8.weight(asked.matrix(), Quantized.options(Mode.DYNAMIC, small));
    Treatment treatment = rewriter.rewrite(List.of(weight), List.of()).treatments().get(0);
    assertThat(treatment.mode().wire()).isEqualTo(mode);
    assertThat(treatment.note()).contains(note);
  }

  @Test
  void whatIsRefusedCannotBeRewritten() {
    Quantized allowed = held(single("return torch.linear(x, self.weight, self.bias)"));
    ScriptArchive forbidden =
        new RewriterTest().single("self.weight = x", "return torch.neg(self.weight)");
    Rewriter rewriter = new Script(forbidden.program(), "model.pt", ReadLimits.DEFAULT).rewriter();
    assertThatThrownBy(() -> rewriter.rewrite(allowed.weights(), List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("weight: the code sets it");
  }

  @Test
  void parametersThatAreHeldAreNoParameters() {
    Quantized quantized = held(single("return torch.linear(x, self.weight, self.bias)"));
    assertThat(code(quantized, "__torch__.py"))
        .contains("__parameters__ = [\"bias\", ]")
        .contains("  weight : " + DECLARED + "\n")
        .contains("return (self.weight).linear(x, self.bias, )");
  }

  private ScriptArchive siblings(List<PickleObject> layers) {
    Map<String, PickleValue> attributes = new LinkedHashMap<>();
    StringBuilder body = new StringBuilder("    v0 = x\n");
    StringBuilder declared = new StringBuilder();
    for (int i = 0; i < layers.size(); i++) {
      attributes.put("l" + i, layers.get(i));
      declared.append("  l" + i + " : __torch__.a.___torch_mangle_4.Layer\n");
      body.append("    v" + (i + 1) + " = (self.l" + i + ").forward(v" + i + ", )\n");
    }
    build.code(
        "__torch__/a/___torch_mangle_4.py",
        "class Layer(Module):",
        "  __parameters__ = [\"weight\", ]",
        "  __buffers__ = []",
        "  weight : Tensor",
        "  training : bool",
        "  def forward(self: __torch__.a.___torch_mangle_4.Layer,",
        "    x: Tensor) -> Tensor:",
        "    weight = self.weight",
        "    return torch.linear(x, weight, None)");
    build.code(
        "__torch__.py",
        "class Net(Module):",
        "  __parameters__ = []",
        "  __buffers__ = []",
        declared + "  training : bool",
        "  def forward(self: __torch__.Net,",
        "    x: Tensor) -> Tensor:",
        body + "    return v" + layers.size());
    return build.archive(Build.module("__torch__.Net", attributes));
  }

  private PickleObject layer(PickleObject weight) {
    return Build.module("__torch__.a.___torch_mangle_4.Layer", Map.of("weight", weight));
  }

  @Test
  void modulesTreatedDifferentlyGetClassesOfTheirOwn() {
    Quantized quantized =
        new Quantized(
            siblings(List.of(layer(build.tensor(1, 8, 8)), layer(build.tensor(1, 8, 8)))));
    quantized.add("l1.weight", 0, PlainScheme.INT8, DYNAMIC);
    ScriptProgram program = quantized.rewrite().program();
    assertThat(program.code().get("__torch__/a/___torch_mangle_4.py")).contains("weight : Tensor");
    assertThat(program.code().get("__torch__/a/___torch_mangle_5.py"))
        .contains("self: __torch__.a.___torch_mangle_5.Layer")
        .contains("weight : " + DECLARED)
        .contains("return (weight).linear(x, None, )");
    assertThat(program.code().get("__torch__.py"))
        .contains("  l0 : __torch__.a.___torch_mangle_4.Layer\n")
        .contains("  l1 : __torch__.a.___torch_mangle_5.Layer\n");
  }

  @Test
  void oneTensorIsStoredOnceHoweverItIsShared() {
    PickleObject weight = build.tensor(1, 8, 8);
    PickleObject view = Build.view(build.lastKey(), 64, 8, 8);
    Quantized both = held(siblings(List.of(layer(weight), layer(weight), layer(view))));
    Rewritten rewritten = both.rewriter().rewrite(both.weights(), List.of());
    assertThat(rewritten.storages()).hasSize(2);
    assertThat(rewritten.treatments())
        .extracting(Treatment::note)
        .containsExactly(
            "int8 products",
            "int8 products; one tensor with l0.weight",
            "int8 products; one tensor with l0.weight");
  }

  /** If only one name of a tensor is quantized, the others follow, or the file would keep it. */
  @Test
  void otherNamesOfATensorFollow() {
    PickleObject weight = build.tensor(1, 8, 8);
    PickleObject view = Build.view(build.lastKey(), 64, 8, 8);
    Quantized one = new Quantized(siblings(List.of(layer(weight), layer(view))));
    one.add("l1.weight", 0, PlainScheme.INT8, DYNAMIC);
    PickleObject root = (PickleObject) one.rewrite().program().data();
    PickleDict state = (PickleDict) root.state().orElseThrow();
    PickleValue first = weightOf(state.find("l0").orElseThrow());
    assertThat(first).isSameAs(weightOf(state.find("l1").orElseThrow()));
    assertThat(((PickleObject) first).callee().path()).isEqualTo(WEIGHT);
  }

  private static PickleValue weightOf(PickleValue layer) {
    return ((PickleDict) ((PickleObject) layer).state().orElseThrow()).find("weight").orElseThrow();
  }

  @Test
  void aModuleWithTwoNamesIsOneModule() {
    PickleObject shared = layer(build.tensor(1, 8, 8));
    Quantized quantized = held(siblings(List.of(shared, shared)));
    Rewritten rewritten = quantized.rewriter().rewrite(quantized.weights(), List.of());
    PickleDict state =
        (PickleDict) ((PickleObject) rewritten.program().data()).state().orElseThrow();
    assertThat(state.find("l0").orElseThrow()).isSameAs(state.find("l1").orElseThrow());
    assertThat(rewritten.storages()).hasSize(2);
  }

  @Test
  void frozenWeightsMoveToTheRoot() throws Exception {
    Quantized quantized = Fixtures.CONV2D_FROZEN.quantized(PlainScheme.INT8, Mode.DYNAMIC);
    ScriptProgram program = quantized.rewrite().program();
    for (var weight : quantized.weights()) {
      int index = Integer.parseInt(weight.name().substring("CONSTANTS.c".length()));
      assertThat(program.constants().get(index)).isEqualTo(None.INSTANCE);
      assertThat(String.join("\n", program.code().values()))
          .contains("  held_c" + index + " : " + DECLARED)
          .doesNotContain("CONSTANTS.c" + index + ",")
          .doesNotContain("CONSTANTS.c" + index + ")");
    }
  }

  @Test
  void recurrentListsAreWrittenOut() throws Exception {
    Quantized quantized = Fixtures.LSTM_SCRIPTED.quantized(PlainScheme.INT8, Mode.DYNAMIC);
    assertThat(quantized.refused()).isEmpty();
    assertThat(code(quantized, "__torch__/torch/nn/modules/rnn.py"))
        .contains("[(getattr(self, \"weight_ih_l0\")).tensor(), ")
        .contains("getattr(self, \"bias_ih_l0\"), ");
  }

  /** Calls of a class are inlined, and what is inlined is compiled at each place anew. */
  @Test
  void codeReachesHoldersThroughAnInterface() {
    Quantized quantized = held(single("return torch.linear(x, self.weight, self.bias)"));
    assertThat(code(quantized, "__torch__.py")).contains("weight : " + DECLARED);
    assertThat(code(quantized, "__torch__/monoquant.py")).contains("class Held(Interface):");
  }

  @Test
  void namesOfTheLibraryAreFree() {
    build.code("__torch__/monoquant.py", "def taken(x: Tensor) -> Tensor:", "  return x");
    Quantized quantized = held(single("return torch.linear(x, self.weight, self.bias)"));
    assertThat(quantized.rewrite().program().code()).containsKey("__torch__/monoquant_1.py");
    assertThat(code(quantized, "__torch__.py")).contains("__torch__.monoquant_1.Held");
  }

  @Test
  void whatIsNoModuleIsRefused() {
    ScriptProgram program = single("return x").program();
    ScriptProgram broken = new ScriptProgram(program.code(), None.INSTANCE, program.constants());
    assertThatThrownBy(() -> new Script(broken, "model.pt", ReadLimits.DEFAULT).rewriter())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("data.pkl");
    PickleObject root = (PickleObject) program.data();
    ((PickleDict) root.state().orElseThrow()).put(new PickleValue.Text("again"), root);
    assertThatThrownBy(() -> new Script(program, "model.pt", ReadLimits.DEFAULT).rewriter())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("contains itself");
  }
}

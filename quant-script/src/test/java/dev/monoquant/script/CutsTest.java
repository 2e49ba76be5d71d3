package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Int;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What stays of a storage whose weights are held. */
class CutsTest {

  private static final int ELEMENTS = 400;

  private final Build build = new Build(1);
  private final Map<String, PickleValue> attributes = new LinkedHashMap<>();
  private String storage = "";

  /** A tensor in the one storage, from some element on. */
  private PickleObject view(long first, long... shape) {
    if (storage.isEmpty()) {
      build.tensor(1, ELEMENTS);
      storage = build.lastKey();
    }
    PickleObject whole = Build.view(storage, ELEMENTS, shape);
    List<PickleValue> args = new ArrayList<>(whole.args().items());
    args.set(1, new Int(first));
    return new PickleObject(whole.call(), whole.callee(), new PickleTuple(args), whole.keywords());
  }

  private Rewritten rewritten(String... more) {
    List<String> lines = new ArrayList<>(List.of("class Net(Module):", "  __parameters__ = []"));
    attributes.keySet().forEach(name -> lines.add("  " + name + " : Tensor"));
    lines.addAll(List.of(more));
    lines.add("  def forward(self: __torch__.Net, x: Tensor) -> Tensor:");
    lines.add("    return torch.linear(x, self.weight, self.bias)");
    build.code("__torch__.py", lines.toArray(String[]::new));
    Quantized quantized = new Quantized(build.archive(Build.module("__torch__.Net", attributes)));
    assertThat(quantized.add("weight", 0, PlainScheme.INT8, Quantized.options(Mode.DYNAMIC_ROW, 0)))
        .isEmpty();
    return quantized.rewriter().rewrite(quantized.weights(), List.of("bias"));
  }

  /** Of 400 elements 100 to 355 are the weight; b and c are vectors that stay. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0 | 16 | 20 | 30 | 0+16 20+30",
        "370 | 20 | 0 | 100 | 0+100 370+20",
        "20 | 30 | 20 | 30 | 20+30",
        "20 | 30 | 30 | 10 | 20+30",
        "20 | 30 | 40 | 30 | 20+50",
        "40 | 30 | 20 | 30 | 20+50",
        "20 | 30 | 50 | 30 | 20+30 50+30",
        "90 | 20 | 0 | 5 | 0+5 90+20",
        "0 | 400 | 0 | 5 | ''",
        "0 | 250 | 240 | 160 | ''",
      })
  void piecesOfAStorage(long b, long sizeB, long c, long sizeC, String expected) {
    attributes.put("weight", view(100, 16, 16));
    attributes.put("bias", view(b, sizeB));
    attributes.put("other", view(c, sizeC));
    Rewritten rewritten = rewritten();
    assertThat(rewritten.cuts())
        .extracting(s -> s.first() + "+" + s.elements())
        .isEqualTo(expected.isEmpty() ? List.of() : List.of(expected.split(" ", -1)));
    assertThat(rewritten.cuts()).allMatch(s -> s.of().equals("0"));
  }

  @Test
  void whatAListHoldsStaysWhole() {
    attributes.put("weight", view(100, 16, 16));
    attributes.put("bias", view(0, 16));
    assertThat(rewritten().cuts()).hasSize(1);
    CutsTest other = new CutsTest();
    other.attributes.put("weight", other.view(100, 16, 16));
    other.attributes.put("bias", other.view(0, 16));
    other.attributes.put("few", Pickles.tensors(List.of(other.view(20, 4))));
    assertThat(other.rewritten().cuts()).isEmpty();
  }

  @Test
  void whatHasNoElementsStaysWhole() {
    attributes.put("weight", view(100, 16, 16));
    attributes.put("bias", view(0, 16));
    attributes.put("none", view(20, 0));
    assertThat(rewritten().cuts()).isEmpty();
  }

  /** What lies outside of the storage is none of this, and no reason to fail here. */
  @Test
  void whatIsOutsideStaysWhole() {
    attributes.put("weight", view(100, 16, 16));
    attributes.put("bias", view(0, 16));
    attributes.put("far", view(Long.MAX_VALUE - 2, 16));
    assertThat(rewritten().cuts()).isEmpty();
    assertThat(new TensorView("0", 5, List.of(3L, 2L), List.of(2L, -1L)).end())
        .isEqualTo(Long.MAX_VALUE);
    assertThat(new TensorView("0", 5, List.of(3L, 2L), List.of(2L, 1L)).end()).isEqualTo(11);
  }

  @Test
  void storagesOfTheirOwnAreLeftAlone() {
    attributes.put("weight", build.tensor(1, 16, 16));
    attributes.put("bias", build.tensor(1, 16));
    assertThat(rewritten().cuts()).isEmpty();
  }

  /** One tensor under two names stays one, at its place in the piece. */
  @Test
  void tensorsStayTheSame() {
    PickleObject bias = view(10, 16);
    attributes.put("weight", view(100, 16, 16));
    attributes.put("bias", bias);
    attributes.put("again", bias);
    attributes.put("part", view(14, 4));
    Rewritten rewritten = rewritten();
    PickleObject root = (PickleObject) rewritten.program().data();
    PickleDict state = (PickleDict) root.state().orElseThrow();
    assertThat(state.find("bias").orElseThrow()).isSameAs(state.find("again").orElseThrow());
    TensorView part = TensorView.of((PickleObject) state.find("part").orElseThrow()).orElseThrow();
    assertThat(part.offset()).isEqualTo(4);
    assertThat(part.key()).isEqualTo(rewritten.cuts().get(0).key());
    assertThat(part.sizes()).containsExactly(4L);
  }

  /** Pieces of a constant that a frozen archive holds as views of it. */
  @Test
  void constantsAreCutToo() throws Exception {
    PickleObject weight = view(100, 16, 16);
    PickleObject bias = view(4, 16);
    build.code(
        "__torch__.py",
        "class Net(Module):",
        "  __parameters__ = []",
        "  def forward(self: __torch__.Net, x: Tensor) -> Tensor:",
        "    y = torch.linear(x, CONSTANTS.c0, CONSTANTS.c1)",
        "    return torch.mul(y, CONSTANTS.c2)");
    ScriptArchive original =
        build.archive(
            Build.module("__torch__.Net", Map.of()), List.of(weight, bias, view(380, 16)));
    Quantized quantized = new Quantized(original);
    assertThat(
            quantized.add(
                "CONSTANTS.c0", 0, PlainScheme.INT8, Quantized.options(Mode.WEIGHT_ONLY, 0)))
        .isEmpty();
    Rewritten rewritten = quantized.rewriter().rewrite(quantized.weights(), List.of());
    assertThat(rewritten.cuts())
        .extracting(c -> c.ofRecord() + ":" + c.first() + "+" + c.elements())
        .containsExactly("constants/0:4+16", "constants/0:380+16");
    assertThat(rewritten.cuts()).allMatch(c -> c.record().startsWith("constants/"));
    try (Torch before = Torch.load(original);
        Torch after = Torch.load(quantized.rewrite())) {
      assertThat(Torch.error(before.run("f4x16", 1), after.run("f4x16", 1))).isLessThan(0.03);
    }
  }
}

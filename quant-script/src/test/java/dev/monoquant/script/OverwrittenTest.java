package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.spi.OptionValues;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What code changes in place is not replaced by a holder, by whatever name the code reaches it. */
class OverwrittenTest {

  private static final OptionValues DYNAMIC = Quantized.options(Mode.DYNAMIC, 0);
  private static final OptionValues FASTEST = Quantized.options(Mode.DYNAMIC, Kernels.FASTEST, 0);

  /** The place of the bias in the state of a holder. */
  private static final int BOUND_BIAS = 6;

  private static final String PRODUCT = "return torch.linear(x, self.weight, self.bias)";

  private final Build build = new Build(11);

  /** A module with two weights and a bias, a child with a weight, and functions. */
  private void code(String... body) {
    build.code(
        "__torch__.py",
        "class Part(Module):",
        "  __parameters__ = [\"weight\", ]",
        "  __buffers__ = []",
        "  weight : Tensor",
        "  training : bool",
        "  def same(self: __torch__.Part,",
        "    x: Tensor) -> Tensor:",
        "    return x",
        "class Net(Module):",
        "  __parameters__ = [\"weight\", \"other\", \"bias\", ]",
        "  __buffers__ = []",
        "  weight : Tensor",
        "  other : Tensor",
        "  bias : Tensor",
        "  seen : Tensor",
        "  part : __torch__.Part",
        "  training : bool",
        "  def forward(self: __torch__.Net,",
        "    x: Tensor) -> Tensor:");
    Arrays.stream(body).forEach(line -> build.code("__torch__.py", "    " + line));
    build.code(
        "__torch__.py",
        "def filled(w: Tensor,",
        "    n: float) -> Tensor:",
        "  row = torch.select(w, 0, 0)",
        "  _0 = torch.fill_(row, n)",
        "  return w",
        "def first(ws: List[Tensor]) -> Tensor:",
        "  return ws[0]");
  }

  private ScriptArchive archive(
      PickleObject weight, PickleValue other, PickleValue seen, PickleValue bias) {
    PickleObject part = Build.module("__torch__.Part", Map.of("weight", build.tensor(1, 8, 8)));
    return build.archive(
        Build.module(
            "__torch__.Net",
            Map.of("weight", weight, "other", other, "bias", bias, "seen", seen, "part", part)));
  }

  private Quantized held(PickleObject weight, PickleValue other, PickleValue seen) {
    return new Quantized(archive(weight, other, seen, build.tensor(1, 8)))
        .addAll(PlainScheme.INT8, DYNAMIC);
  }

  private Quantized held(String... body) {
    code(body);
    return held(build.tensor(1, 8, 8), build.tensor(1, 8, 8), build.tensor(1, 8));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "_0 = torch.copy_(torch.select(self.weight, 0, 0), x)",
        "_0 = torch.mul_(torch.slice(torch.view(self.weight, [-1]), 0, 0, 3), 2)",
        "_0 = torch.clamp_(ops.prim.data(self.weight), -1, 1)",
        "_0 = torch.mul(self.weight, 2, out=self.weight)",
        "_0 = torch.index_put_(self.weight, [x], x)",
        "a, b, = torch.chunk(self.weight, 2); _0 = torch.mul_(b, 2)",
        "w = self.weight; w = torch.t(w); _0 = torch.zero_(w)",
        "ws = [self.weight, x]; w = ws[1]; _0 = torch.mul_(w, 2)",
        "ws = [x]; _0 = torch.append(ws, self.weight); _1 = torch.neg_(torch.__getitem__(ws, 0))",
        "ws = [x]; vs = ws; _0 = torch.append(vs, self.weight); _1 = torch.neg_(ws[0])",
        "_0 = __torch__.filled(self.weight, 2.)",
        "_0 = torch.neg_(torch.view(__torch__.first([self.weight]), [64]))",
        "_0 = torch.neg_(torch.select((self.part).same(self.weight, ), 0, 0))",
        "p = annotate(Any, self.part); _0 = torch.neg_(p.same(self.weight, ))",
        "self.seen = self.weight; _0 = torch.neg_(self.seen)",
        "_0 = torch.neg_(torch.dropout(torch.detach(self.weight), 0.5, False))",
        "_0 = torch.neg_(torch.einsum(\"ij->ji\", [self.weight]))",
        "_0 = torch.add_(torch.neg_(torch.select(self.weight, 0, 1)), 1)",
        "_0 = torch.zero_(getattr(self, \"weight\"))",
        "w, = torch.unbind(self.weight), ; _0 = torch.zero_(w)",
      })
  void changesByOtherNames(String lines) {
    String[] body = (lines + "; " + PRODUCT).split("; ");
    Quantized quantized = held(body);
    assertThat(quantized.refused()).containsKey("weight").doesNotContainKeys("other");
    assertThat(quantized.refused().get("weight"))
        .matches("torch\\.\\w+ (may change it in place|changes it)");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "_0 = torch.mul_(torch.neg(self.weight), 2)",
        "y = torch.linear(x, self.weight); _0 = torch.relu_(y)",
        "_0 = torch.mul_(torch.cat([self.weight, self.weight]), 2)",
        "_0 = torch.add_(x, torch.select(self.weight, 0, 0))",
        "_0 = torch.mul(self.weight, 2, out=x)",
        "ws = [self.weight]; _0 = torch.append(ws, x); _1 = torch.neg(torch.__getitem__(ws, 0))",
        "_0 = (self.part).same(torch.neg_(x), )",
        "_0 = torch.zero_((self.part).weight)",
        "_0 = torch.einsum(\"ij,jk->ik\", [x, self.weight]); _1 = torch.neg_(_0)",
      })
  void changesOfOtherTensors(String lines) {
    Quantized quantized = held((lines + "; " + PRODUCT).split("; "));
    assertThat(quantized.refused()).doesNotContainKeys("weight", "other");
  }

  /** A tied weight and a row of it are changed with it. */
  @Test
  void changesOfTheSameMemory() {
    code("_0 = torch.mul_(self.seen, 2)", PRODUCT);
    PickleObject weight = build.tensor(1, 8, 8);
    String key = build.lastKey();
    Quantized quantized = held(weight, Build.view(key, 64, 8, 8), Build.view(key, 64, 8));
    assertThat(quantized.refused().get("weight")).contains("lies in the same memory");
    assertThat(quantized.refused().get("other")).contains("lies in the same memory");
    assertThat(quantized.refused()).doesNotContainKey("part.weight");
  }

  /** A bias is given to the kernel when the model is loaded, unless it may change. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "_0 = torch.fill_(torch.select(self.bias, 0, 1), 9) | true",
        "_0 = torch.mul_(self.bias, 3) | true",
        "_0 = torch.mul_(self.seen, 3) | true",
        "_0 = torch.mul_(x, 3) | false",
      })
  void changesOfABias(String line, boolean changes) {
    code(line, PRODUCT);
    PickleObject bias = build.tensor(1, 8);
    PickleObject seen = Build.view(build.lastKey(), 8, 8);
    ScriptArchive original = archive(build.tensor(1, 8, 8), build.tensor(1, 8, 8), seen, bias);
    Quantized quantized = new Quantized(original);
    quantized.add("weight", 0, PlainScheme.INT8, FASTEST);
    PickleObject root = (PickleObject) quantized.rewrite().program().data();
    PickleDict state = (PickleDict) root.state().orElseThrow();
    PickleObject holder = (PickleObject) state.find("weight").orElseThrow();
    PickleValue bound = ((PickleTuple) holder.state().orElseThrow()).get(BOUND_BIAS);
    assertThat(bound.equals(PickleValue.None.INSTANCE)).isEqualTo(changes);
  }
}

package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.spi.OptionValues;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Attentions that one kernel computes. */
class FusedAttentionTest {

  private static final String LIBRARY = "__torch__/monoquant_attention.py";

  /** Query, key, value, masks and what is usual after the product, around the lines of a test. */
  private static ScriptArchive net(String lines) {
    Build build = new Build(7);
    build.code(
        "__torch__.py",
        "class Drop(Module):",
        "  __parameters__ = []",
        "  __buffers__ = []",
        "  training : bool",
        "  def forward(self: __torch__.Drop,",
        "    input: Tensor) -> Tensor:",
        "    return torch.dropout(input, 0.10000000000000001, False)",
        "class Soft(Module):",
        "  __parameters__ = []",
        "  __buffers__ = []",
        "  training : bool",
        "  def forward(self: __torch__.Soft,",
        "    input: Tensor) -> Tensor:",
        "    probabilities = torch.softmax(input, -1)",
        "    return probabilities",
        "class Change(Module):",
        "  __parameters__ = []",
        "  __buffers__ = []",
        "  training : bool",
        "  def forward(self: __torch__.Change,",
        "    input: Tensor) -> Tensor:",
        "    twice = torch.mul_(input, 2.)",
        "    return torch.softmax(twice, -1)",
        "class Net(Module):",
        "  __parameters__ = [\"weight\", ]",
        "  __buffers__ = [\"tri\", ]",
        "  weight : Tensor",
        "  tri : Tensor",
        "  drop : __torch__.Drop",
        "  soft : __torch__.Soft",
        "  change : __torch__.Change",
        "  training : bool",
        "  def forward(self: __torch__.Net,",
        "    x: Tensor) -> Tensor:",
        "    weight = self.weight",
        "    tri = self.tri",
        "    drop = self.drop",
        "    soft = self.soft",
        "    change = self.change",
        "    all = torch.linear(x, weight)",
        "    q = torch.transpose(torch.reshape(torch.slice(all, 2, 0, 16), [2, 5, 4, 4]), 1, 2)",
        "    k = torch.transpose(torch.reshape(torch.slice(all, 2, 16, 32), [2, 5, 4, 4]), 1, 2)",
        "    v = torch.transpose(torch.reshape(torch.slice(all, 2, 32, 48), [2, 5, 4, 4]), 1, 2)",
        "    kt = torch.transpose(k, -1, -2)",
        "    causal = torch.eq(tri, 0)",
        "    bias = torch.reshape(torch.slice(torch.select(x, 2, 0), 1, 0, 5), [2, 1, 1, 5])",
        "    low = torch.mul(torch.to(causal, 6), -3.4028234663852886e+38)");
    for (String line : lines.split(";", -1)) {
      build.code("__torch__.py", "    " + line);
    }
    build.code(
        "__torch__.py",
        "    return torch.reshape(torch.contiguous(torch.transpose(y, 1, 2)), [2, -1])");
    Map<String, PickleValue> tensors = new HashMap<>();
    tensors.put("weight", build.tensor(0.5, 48, 16));
    float[] tri = new float[25];
    for (int i = 0; i < 25; i++) {
      tri[i] = i % 5 <= i / 5 ? 1 : 0;
    }
    tensors.put("tri", build.tensor(tri, 1, 1, 5, 5));
    tensors.put("drop", Build.module("__torch__.Drop", Map.of()));
    tensors.put("soft", Build.module("__torch__.Soft", Map.of()));
    tensors.put("change", Build.module("__torch__.Change", Map.of()));
    return build.archive(Build.module("__torch__.Net", tensors));
  }

  private static Quantized quantized(String lines, boolean fused) {
    OptionValues options =
        Quantized.options(Mode.WEIGHT_ONLY, 0).with(HolderOptions.ATTENTION, fused);
    Quantized quantized = new Quantized(net(lines));
    quantized.add("weight", 0, PlainScheme.INT8, options);
    return quantized;
  }

  private static float[] run(ScriptArchive archive) throws Exception {
    try (Torch torch = Torch.load(archive)) {
      float[] first = torch.run("f2x5x16", 3);
      torch.run("f2x5x16", 3);
      assertThat(torch.run("f2x5x16", 3)).isEqualTo(first);
      return first;
    }
  }

  /** The archive with another text of the library. */
  private static ScriptArchive changed(ScriptArchive archive, UnaryOperator<String> change) {
    ScriptProgram program = archive.program();
    SortedMap<String, String> code = new TreeMap<>(program.code());
    String changed = change.apply(code.get(LIBRARY));
    assertThat(changed).isNotEqualTo(code.put(LIBRARY, changed));
    return archive.with(new ScriptProgram(code, program.data(), program.constants()));
  }

  private static ScriptArchive never(ScriptArchive fused) {
    return changed(fused, s -> s.replace("rank = torch.dim(query)", "rank = 1"));
  }

  /** {@return whether the kernel runs} */
  private static boolean isTaken(ScriptArchive fused, float[] apart) throws Exception {
    ScriptArchive wrong =
        changed(fused, s -> s.replace("0., False, scale=scale", "0., False, scale=0.0625"));
    return Torch.error(apart, run(wrong)) > 1e-3;
  }

  private static final String PLAIN =
      "a = torch.matmul(q, kt);p = torch.softmax(a, -1);y = torch.matmul(p, v)";

  @ParameterizedTest
  @ValueSource(
      strings = {
        PLAIN,
        "y = torch.matmul(torch.softmax(torch.matmul(q, kt), 3), v)",
        "a = torch.matmul(q, kt);b = torch.div(a, 2.);c = torch.add(b, bias);"
            + "p = torch.softmax(c, -1, 6);d = torch.to(p, 6);y = torch.matmul((drop).forward(d, ), v)",
        "a = torch.mul(torch.matmul(q, kt), 0.5);c = torch.add(bias, a);"
            + "y = torch.matmul((drop).forward((soft).forward(torch.add(low, c), ), ), v)",
        // A mask of another type, which may as well be a number.
        "a = torch.matmul(q, kt);b = torch.softmax(torch.add(a, causal), -1);"
            + "y = torch.matmul(b, v)",
        "a = torch.matmul(q, kt);n = torch.size(x, 0);b = torch.softmax(torch.add(a, n), -1);"
            + "y = torch.matmul(b, v)",
        "a = torch.mul(torch.matmul(q, kt), 0.5);b = torch.masked_fill(a, causal, -inf);"
            + "y = torch.matmul(torch.softmax(b, -1), v)",
        "a = torch.matmul(q, kt);b = torch.masked_fill(a, causal, -1.0e+9);"
            + "y = torch.matmul(torch.softmax(b, -1), v)",
        "a = torch.div(torch.matmul(q, kt), torch.full(annotate(List[int], []), 2., dtype=6,"
            + " layout=None, device=torch.device(\"cpu\"), pin_memory=False));"
            + "b = torch.where(torch.gt(tri, 0), a, torch.full([], -3.0e+38));"
            + "c = torch.add(b, bias);y = torch.matmul((soft).forward(c, ), v)",
        "a = torch.add(torch.add(torch.matmul(q, kt), bias), low);"
            + "y = torch.matmul(torch.softmax(a, -1), v)",
        "a = torch.add(torch.matmul(q, kt), bias);b = torch.masked_fill(a, causal, -2.0e+38);"
            + "y = torch.matmul(torch.softmax(b, -1), v)",
        // Heads and batch in one axis.
        "q3 = torch.reshape(q, [8, 5, 4]);k3 = torch.reshape(k, [8, 5, 4]);"
            + "v3 = torch.reshape(v, [8, 5, 4]);a = torch.bmm(q3, torch.transpose(k3, 1, 2));"
            + "b = torch.add(a, torch.select(low, 0, 0));"
            + "y = torch.reshape(torch.bmm(torch.softmax(b, 2), v3), [2, 4, 5, 4])",
        // Two of them, and other statements between.
        "a = torch.matmul(q, kt);p = torch.softmax(a, -1);z = torch.matmul(p, v);"
            + "e = torch.matmul(z, kt);s = torch.size(x, 0);f = torch.softmax(e, -1);"
            + "y = torch.matmul(f, v)"
      })
  void oneKernelComputesThem(String lines) throws Exception {
    Quantized quantized = quantized(lines, true);
    ScriptArchive fused = quantized.rewrite();
    float[] apart = run(quantized(lines, false).rewrite());
    assertThat(Torch.error(apart, run(fused))).as(lines).isLessThan(1e-6);
    assertThat(isTaken(fused, apart)).as(lines).isTrue();
    assertThat(run(never(fused))).as(lines).isEqualTo(apart);
    assertThat(quantized.attentions()).hasValue(lines.contains("z = torch.matmul") ? 2 : 1);
  }

  /**
   * What only the numbers tell is checked when it runs: the statements of the original run then.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        // A factor that is negative, or 0.
        "a = torch.mul(torch.matmul(q, kt), -0.5);y = torch.matmul(torch.softmax(a, -1), v)",
        "a = torch.mul(torch.matmul(q, kt), 0.);y = torch.matmul(torch.softmax(a, -1), v)",
        // Another axis.
        "a = torch.softmax(torch.matmul(q, kt), 2);y = torch.matmul(a, v)",
        // A row without scores, and a number that scores reach.
        "a = torch.masked_fill(torch.matmul(q, kt), torch.ge(causal, 0), -1.0e+9);"
            + "y = torch.matmul(torch.softmax(a, -1), v)",
        "a = torch.masked_fill(torch.matmul(q, kt), causal, -1.0e+4);"
            + "y = torch.matmul(torch.softmax(a, -1), v)",
        "a = torch.masked_fill(torch.matmul(q, kt), causal, -1.0e+9);b = torch.add(a, bias);"
            + "y = torch.matmul(torch.softmax(b, -1), v)",
        // Operands that are broadcast, and more masks than scores.
        "a = torch.matmul(torch.slice(q, 0, 0, 1), kt);y = torch.matmul(torch.softmax(a, -1), v)",
        "a = torch.matmul(q, kt);b = torch.softmax(a, -1);"
            + "y = torch.matmul(b, torch.slice(v, 1, 0, 1))",
        "a = torch.matmul(torch.slice(q, 0, 0, 1), torch.slice(kt, 0, 0, 1));"
            + "b = torch.softmax(torch.add(a, bias), -1);y = torch.matmul(b, torch.slice(v, 0, 0, 1))",
        // Other types.
        "a = torch.matmul(torch.to(q, 7), torch.to(kt, 7));b = torch.softmax(a, -1);"
            + "y = torch.to(torch.matmul(b, torch.to(v, 7)), 6)"
      })
  void inDoubtTheOriginalRuns(String lines) throws Exception {
    Quantized quantized = quantized(lines, true);
    ScriptArchive fused = quantized.rewrite();
    assertThat(quantized.attentions()).as(lines).hasValue(1);
    float[] apart = run(quantized(lines, false).rewrite());
    assertThat(run(fused)).as(lines).isEqualTo(apart);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // What lies between is used elsewhere, or changed.
        "a = torch.matmul(q, kt);p = torch.softmax(a, -1);y = torch.add(torch.matmul(p, v),"
            + " torch.sum(p))",
        "a = torch.matmul(q, kt);p = torch.softmax(a, -1);b = torch.mul_(q, 2.);"
            + "y = torch.matmul(p, v)",
        "a = torch.matmul(q, kt);p = (change).forward(a, );y = torch.matmul(p, v)",
        // Of a branch, and of a loop.
        "a = torch.matmul(q, kt);if torch.gt(torch.size(x, 0), 1):;  p = torch.softmax(a, -1);"
            + "else:;  p = a;y = torch.matmul(p, v)",
        "y = v;for i in range(2):;  a = torch.matmul(q, kt);for j in range(1):;  y ="
            + " torch.matmul(torch.softmax(a, -1), y)",
        // What is no attention.
        "a = torch.matmul(q, kt);y = torch.matmul(torch.dropout(torch.softmax(a, -1), 0.5, True), v)",
        "a = torch.add(torch.matmul(q, kt), bias, alpha=2);y = torch.matmul(torch.softmax(a, -1), v)",
        "a = torch.mul(torch.add(torch.matmul(q, kt), bias), 2.);"
            + "y = torch.matmul(torch.softmax(a, -1), v)",
        "a = torch.mul(torch.matmul(q, kt), bias);y = torch.matmul(torch.softmax(a, -1), v)",
        "a = torch.matmul(q, kt);y = torch.matmul(torch.sigmoid(a), v)",
        "a = torch.matmul(q, kt);y = torch.matmul(torch.softmax(a, -1, 7), torch.to(v, 7))",
        "a = torch.matmul(q, kt);p = torch.softmax(a, torch.sub(torch.dim(a), 1));"
            + "y = torch.matmul(p, v)"
      })
  void othersStayAsTheyAre(String lines) {
    Quantized quantized = quantized(lines, true);
    ScriptArchive same = quantized.rewrite();
    assertThat(quantized.attentions()).as(lines).hasValue(0);
    assertThat(same.program().code()).isEqualTo(quantized(lines, false).rewrite().program().code());
  }

  /** Names that stand for each other, and more of them than can be followed one in another. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "a = (a);p = torch.softmax(a, -1);y = torch.matmul(p, v)",
        "a = b;b = a;p = torch.softmax(b, -1);y = torch.matmul(p, v)",
        "n = n;a = torch.mul(torch.matmul(q, kt), n);y = torch.matmul(torch.softmax(a, -1), v)",
        "m = m;a = (m).forward(q, );y = torch.matmul(a, v)"
      })
  void circlesEnd(String lines) {
    Quantized quantized = quantized(lines, true);
    quantized.rewrite();
    assertThat(quantized.attentions()).as(lines).hasValue(0);
  }

  @Test
  void longChainsOfNamesEnd() {
    StringBuilder lines = new StringBuilder("m0 = self;n0 = 2.");
    for (int i = 1; i < 20_000; i++) {
      lines.append(";m" + i + " = m" + (i - 1) + ".drop;n" + i + " = n" + (i - 1));
    }
    lines.append(";a = torch.mul(torch.matmul(q, kt), n19999);b = (m19999).forward(a, )");
    lines.append(";y = torch.matmul(torch.softmax(a, -1), v)");
    Quantized quantized = quantized(lines.toString(), true);
    quantized.rewrite();
    assertThat(quantized.attentions()).hasValue(0);
  }

  @Test
  void aFunctionWithoutParametersIsNoMethod() {
    Build build = new Build(1);
    build.code(
        "__torch__/free.py",
        "def free() -> Tensor:",
        "  a = torch.ones([2, 2])",
        "  return torch.matmul((a).forward(a, ), a)");
    ScriptArchive archive =
        build.of("torch.linear(x, weight)", build.tensor(1, 16, 16), PickleValue.None.INSTANCE);
    Quantized quantized = new Quantized(archive);
    quantized.add(
        "weight",
        0,
        PlainScheme.INT8,
        Quantized.options(Mode.WEIGHT_ONLY, 0).with(HolderOptions.ATTENTION, true));
    quantized.rewrite();
    assertThat(quantized.attentions()).hasValue(0);
  }

  @Test
  void nothingIsReplacedUnasked() {
    Quantized quantized = quantized(PLAIN, false);
    assertThat(quantized.rewrite().program().code()).doesNotContainKey(LIBRARY);
    assertThat(quantized.attentions()).isEmpty();
  }
}

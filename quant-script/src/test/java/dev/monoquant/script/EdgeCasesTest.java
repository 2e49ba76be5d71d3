package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Inputs that a kernel alone would not take. */
class EdgeCasesTest {

  private static final int IN = 16;
  private static final int OUT = 32;

  private static ScriptArchive linear() {
    Build build = new Build(1);
    return build.of(
        "torch.linear(x, weight, bias)", build.tensor(1, OUT, IN), build.tensor(1, OUT));
  }

  private static ScriptArchive convolution() {
    Build build = new Build(2);
    return build.of(
        "torch.conv2d(x, weight, None, [2, 1], [1, 1], [1, 1])",
        build.tensor(1, 8, 4, 3, 3),
        None.INSTANCE);
  }

  private static ScriptArchive held(ScriptArchive archive, Mode mode) {
    return new Quantized(archive).addAll(PlainScheme.INT8, Quantized.options(mode, 0)).rewrite();
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void inputsOfAnyRank(Mode mode) throws Exception {
    try (Torch original = Torch.load(linear());
        Torch changed = Torch.load(held(linear(), mode))) {
      for (String input : List.of("f16", "f1x16", "f3x16", "f2x3x16", "f2x1x2x16", "f0x16")) {
        assertThat(Torch.error(original.run(input, 1), changed.run(input, 1)))
            .as(input)
            .isLessThan(0.03);
      }
    }
  }

  @Test
  void memberOfAnEnumBesideTheWeight() throws Exception {
    Build build = new Build(6);
    build.code(
        "__torch__.py",
        "class Net(Module):",
        "  __parameters__ = [\"weight\", ]",
        "  __buffers__ = []",
        "  weight : Tensor",
        "  color : __torch__.Color",
        "  training : bool",
        "  def forward(self: __torch__.Net,",
        "    x: Tensor) -> Tensor:",
        "    weight = self.weight",
        "    color = self.color",
        "    if torch.eq(color, __torch__.Color.RED):",
        "      _0 = torch.linear(x, weight, None)",
        "    else:",
        "      _0 = torch.neg(x)",
        "    return _0",
        "class Color(Enum):",
        "  RED = 1",
        "  BLUE = 2");
    PickleObject red =
        new PickleObject(
            PickleObject.Call.REDUCE_BARE,
            new PickleValue.Global("__torch__", "Color"),
            new PickleTuple(List.of(new PickleValue.Int(1))),
            Optional.empty());
    ScriptArchive archive =
        build.archive(
            Build.module(
                "__torch__.Net", Map.of("weight", build.tensor(1, OUT, IN), "color", red)));
    try (Torch original = Torch.load(archive);
        Torch changed = Torch.load(held(archive, Mode.DYNAMIC_ROW))) {
      assertThat(Torch.error(original.run("f3x16", 1), changed.run("f3x16", 1))).isLessThan(0.03);
    }
  }

  /**
   * The compiler folds the size of a constant, and what changed that list would change it again.
   */
  @ParameterizedTest
  @EnumSource(Mode.class)
  void rowsOfConstantIndicesAgainAndAgain(Mode mode) throws Exception {
    Build build = new Build(7);
    ScriptArchive archive =
        build.of(
            "torch.add(x, torch.embedding(weight, torch.arange(4, dtype=4)))",
            build.tensor(1, OUT, IN),
            None.INSTANCE);
    try (Torch original = Torch.load(archive);
        Torch changed = Torch.load(held(archive, mode))) {
      for (int i = 0; i < 8; i++) {
        assertThat(Torch.error(original.run("f4x16", i), changed.run("f4x16", i))).isLessThan(0.03);
      }
    }
  }

  /** Forms of a product that are no linear; the weight is (16, 16). */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "torch.mm(x, torch.numpy_T(weight))",
        "torch.matmul(x, torch.mT(weight))",
        "torch.matmul(x, torch.permute(weight, [1, 0]))",
        "torch.matmul(x, torch.transpose(weight, -1, -2))",
        "torch.einsum(\"bi,oi->bo\", [x, weight])",
        "torch.einsum(\"...i, io -> ...o\", [x, weight])",
        "torch.einsum(\"bi,io->bo\", [x, torch.t(weight)])",
        "torch.mm(weight, torch.numpy_T(x))",
        "torch.mm(torch.t(weight), torch.numpy_T(x))",
        "torch.view(torch.mm(weight, torch.numpy_T(x)), [-1])",
        "torch.addmm(bias, x, torch.t(weight), beta=2, alpha=0.5)",
        "torch.addmm(bias, x, weight, alpha=3)",
        "torch.linear(x, torch.to(torch.contiguous(torch.detach(weight)), 6), bias)"
      })
  void formsOfAProduct(String call) throws Exception {
    for (Mode mode : Mode.values()) {
      Build build = new Build(9);
      ScriptArchive archive = build.of(call, build.tensor(1, IN, IN), build.tensor(1, IN));
      Quantized quantized =
          new Quantized(archive).addAll(PlainScheme.INT8, Quantized.options(mode, 0));
      ScriptArchive changed = quantized.rewrite();
      assertThat(changed.program().code().get("__torch__.py"))
          .contains(".linear(")
          .doesNotContain(".tensor()");
      try (Torch original = Torch.load(archive);
          Torch held = Torch.load(changed)) {
        assertThat(Torch.error(original.run("f5x16", 1), held.run("f5x16", 1))).isLessThan(0.03);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void imagesWithAndWithoutBatch(Mode mode) throws Exception {
    try (Torch original = Torch.load(convolution());
        Torch changed = Torch.load(held(convolution(), mode))) {
      for (String input : List.of("f4x7x9", "f1x4x7x9", "f3x4x7x9", "f0x4x7x9")) {
        assertThat(Torch.error(original.run(input, 1), changed.run(input, 1)))
            .as(input)
            .isLessThan(0.03);
      }
    }
  }

  /** The order of an input's numbers in memory does not change a bit, for few and for many. */
  @ParameterizedTest
  @EnumSource(Mode.class)
  void imagesWithTheirChannelsLast(Mode mode) throws Exception {
    for (int kernel : new int[] {1, 3}) {
      String window = ", weight, None, [1, 1], [" + kernel / 2 + ", " + kernel / 2 + "], [1, 1])";
      ScriptArchive first = convolution("torch.conv2d(x" + window, kernel);
      ScriptArchive last =
          convolution("torch.conv2d(torch.contiguous(x, memory_format=2)" + window, kernel);
      try (Torch original = Torch.load(first);
          Torch channelsFirst = Torch.load(held(first, mode));
          Torch channelsLast = Torch.load(held(last, mode))) {
        for (String input : List.of("f2x16x5x7", "f1x16x24x25")) {
          float[] got = channelsFirst.run(input, 1);
          if (mode != Mode.WEIGHT_ONLY) {
            assertThat(channelsLast.run(input, 1)).as(input).isEqualTo(got);
          }
          assertThat(Torch.error(original.run(input, 1), got)).as(input).isLessThan(0.03);
        }
      }
    }
  }

  private static ScriptArchive convolution(String call, int kernel) {
    Build build = new Build(12);
    return build.of(call, build.tensor(1, 8, 16, kernel, kernel), None.INSTANCE);
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void notANumberStaysOne(Mode mode) throws Exception {
    for (float odd : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      try (Torch changed = Torch.load(held(linear(), mode));
          Torch original = Torch.load(linear());
          NDManager manager = NDManager.newBaseManager("PyTorch")) {
        NDArray input = Torch.input(manager, "f3x16", 5);
        float[] expected = original.run(input);
        float[] values = input.toFloatArray();
        values[IN + 3] = odd;
        float[] got = changed.run(manager.create(values, new Shape(3, IN)));
        for (int i = 0; i < got.length; i++) {
          if (i / OUT == 1) {
            assertThat(Float.isFinite(got[i])).isFalse();
          } else {
            assertThat(Math.abs(got[i] - expected[i])).isLessThan(0.5f);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void notANumberInAnImage(Mode mode) throws Exception {
    try (Torch changed = Torch.load(held(convolution(), mode));
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray input = Torch.input(manager, "f2x4x7x9", 5);
      float[] values = input.toFloatArray();
      values[4 * 63 + 30] = Float.NaN;
      float[] got = changed.run(manager.create(values, new Shape(2, 4, 7, 9)));
      int half = got.length / 2;
      boolean lost = false;
      for (int i = 0; i < got.length; i++) {
        lost |= Float.isNaN(got[i]);
        assertThat(i < half && Float.isNaN(got[i])).isFalse();
      }
      assertThat(lost).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(Mode.class)
  void zerosGiveTheBias(Mode mode) throws Exception {
    try (Torch original = Torch.load(linear());
        Torch changed = Torch.load(held(linear(), mode));
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray zeros = manager.zeros(new Shape(2, IN));
      assertThat(Torch.error(original.run(zeros), changed.run(zeros))).isLessThan(1e-6);
    }
  }

  /** A row alone and a row among others: the same bits, where rows have ranges of their own. */
  @ParameterizedTest
  @EnumSource(
      value = Mode.class,
      names = {"DYNAMIC_ROW", "DYNAMIC_ROW_ASYMMETRIC"})
  void rowsDoNotDependOnEachOther(Mode mode) throws Exception {
    try (Torch changed = Torch.load(held(linear(), mode));
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray input = Torch.input(manager, "f4x16", 9);
      float[] together =
          changed.run(input.mul(manager.create(new float[] {1, 9, 1, 1}).reshape(4, 1)));
      float[] alone = changed.run(input.get("0:1"));
      assertThat(alone).isEqualTo(java.util.Arrays.copyOf(together, OUT));
    }
  }

  /** Without the cure, weights and inputs at the end of their range lose a third. */
  @ParameterizedTest
  @EnumSource(Mode.class)
  void greatestProductsDoNotSaturate(Mode mode) throws Exception {
    ScriptArchive archive = linear();
    Quantized quantized = new Quantized(archive);
    quantized.add("weight", 0, PlainScheme.INT8, Quantized.options(mode, 0));
    for (byte[] codes : quantized.part("weight", Part.CODES)) {
      java.util.Arrays.fill(codes, (byte) 127);
    }
    ScriptArchive changed = quantized.rewrite();
    Quantized plain = new Quantized(archive);
    plain.add("weight", 0, PlainScheme.INT8, Quantized.options(Mode.WEIGHT_ONLY, 0));
    for (byte[] codes : plain.part("weight", Part.CODES)) {
      java.util.Arrays.fill(codes, (byte) 127);
    }
    try (Torch kernel = Torch.load(changed);
        Torch decoded = Torch.load(plain.rewrite());
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray ones = manager.ones(new Shape(2, IN));
      assertThat(Torch.error(decoded.run(ones), kernel.run(ones))).isLessThan(0.02);
    }
  }

  /** A scheme that no format knows brings its own decoder. */
  @ParameterizedTest
  @EnumSource(Mode.class)
  void schemesWithTheirOwnWords(Mode mode) throws Exception {
    ScriptArchive archive = linear();
    Rewriter rewriter = new Script(archive.program(), "test", ReadLimits.DEFAULT).rewriter();
    TensorInfo info = new TensorInfo("weight", ElementType.FLOAT32, TensorShape.of(OUT, IN));
    Encoding encoding =
        Encoding.opaque(
            Part.perElement("codes", ElementType.UINT4),
            Part.runPerRow("codebook", ElementType.FLOAT32, 16));
    EncodedWeight weight =
        new EncodedWeight(
            new WeightMatrix("", LayerKind.LINEAR, "weight", info, 0),
            new SchemeId("vendor/codebook", 1),
            OptionValues.of(4, true, Granularity.CHANNEL),
            encoding,
            Quantized.options(mode, 0),
            Optional.of("chosen = torch.to(codes, 4)\nreturn torch.gather(codebook, 1, chosen)"));
    assertThat(rewriter.refusal(weight)).isEmpty();
    byte[] codes = new byte[OUT * IN / 2];
    new java.util.Random(3).nextBytes(codes);
    java.nio.ByteBuffer book =
        java.nio.ByteBuffer.allocate(OUT * 16 * 4).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < OUT * 16; i++) {
      book.putFloat(i % 16 / 8f - 1 + Math.floorDiv(i, 16) * 0.01f);
    }
    ScriptArchive changed =
        archive.with(
            rewriter.rewrite(List.of(weight), List.of()),
            Map.of("weight", Map.of("codes", codes, "codebook", book.array())));
    try (Torch torch = Torch.load(changed);
        Torch original = Torch.load(archive);
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray input = Torch.input(manager, "f3x16", 4);
      float[] x = input.toFloatArray();
      float[] bias = original.run(manager.zeros(new Shape(1, IN)));
      float[] expected = new float[3 * OUT];
      for (int m = 0; m < 3; m++) {
        for (int n = 0; n < OUT; n++) {
          float sum = bias[n];
          for (int k = 0; k < IN; k++) {
            int code = (codes[(n * IN + k) / 2] >> (k % 2 * 4)) & 15;
            sum += x[m * IN + k] * (code / 8f - 1 + n * 0.01f);
          }
          expected[m * OUT + n] = sum;
        }
      }
      assertThat(Torch.error(expected, torch.run(input)))
          .isLessThan(mode == Mode.WEIGHT_ONLY ? 1e-5 : 0.03);
    }
  }

  @Test
  void theOriginalIsNotChanged() throws Exception {
    ScriptArchive archive = linear();
    String before = archive.program().code().toString();
    held(archive, Mode.DYNAMIC);
    assertThat(archive.program().code().toString()).isEqualTo(before);
    try (Torch torch = Torch.load(archive)) {
      assertThat(torch.run("f2x16", 1)).hasSize(2 * OUT);
    }
  }
}

package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.spi.OptionValues;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Layers that hand on int8. */
class ChainsTest {

  private static final String HANDED = "hands on int8";
  private static final String CONV =
      ", None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, False, False, True, True)";

  private static OptionValues options(double least, double greatest, boolean chain) {
    return Quantized.options(Mode.STATIC, Kernels.LASTING, 0)
        .with(HolderOptions.LEAST, least)
        .with(HolderOptions.GREATEST, greatest)
        .with(HolderOptions.CHAIN, chain);
  }

  private static long handed(Quantized quantized) {
    return quantized.treatments().stream().filter(t -> t.note().contains(HANDED)).count();
  }

  /** What layers hand on rounds to the codes that they would have made of the numbers. */
  @ParameterizedTest
  @EnumSource(
      value = Fixtures.class,
      names = {
        "DIGITS_CNN_TRACED",
        "DIGITS_CNN_SCRIPTED",
        "CONV2D_TRACED",
        "CONV2D_SCRIPTED",
        "CONV2D_FROZEN",
        "CONV1D_TRACED",
        "HALF_TRACED",
        "BERT_TRACED",
        "GPT2_TRACED",
        "TIED_TRACED",
        "DIGITS_LSTM_TRACED"
      })
  void theOutputIsThatOfTheOriginal(Fixtures fixture) throws Exception {
    float[] expected = fixture.output();
    Quantized quantized = fixture.ranged((least, greatest) -> options(least, greatest, true));
    ScriptArchive rewritten = quantized.rewrite();
    if (fixture == Fixtures.DIGITS_CNN_TRACED) {
      assertThat(handed(quantized)).isEqualTo(3);
    }
    try (Torch torch = Torch.load(rewritten);
        Torch timed = Torch.load(quantized.timed().getKey())) {
      float[] got = torch.run(fixture.input(), 1);
      assertThat(Torch.error(expected, got)).isLessThan(fixture.tolerance());
      assertThat(timed.run(fixture.input(), 1)).isEqualTo(got);
    }
  }

  /** A model with convolutions of 3x3 and 1x1, a normalization and two products. */
  private static ScriptArchive net(String body) {
    Build build = new Build(5);
    build.code(
        "__torch__.py",
        "class Net(Module):",
        "  __parameters__ = [\"first\", \"second\", \"point\", \"fc\", \"head\", \"gamma\", \"beta\", ]",
        "  __buffers__ = [\"mean\", \"variance\", ]",
        "  first : Tensor",
        "  second : Tensor",
        "  point : Tensor",
        "  fc : Tensor",
        "  head : Tensor",
        "  gamma : Tensor",
        "  beta : Tensor",
        "  mean : Tensor",
        "  variance : Tensor",
        "  training : bool",
        "  def forward(self: __torch__.Net,",
        "    x: Tensor) -> Tensor:");
    for (String name : "first second point fc head gamma beta mean variance".split(" ", -1)) {
      build.code("__torch__.py", "    " + name + " = self." + name);
    }
    String full =
        body.replaceAll("(?<!\\w)conv\\(", "torch._convolution(")
            .replaceAll(", (first|second)\\)", ", $1" + CONV)
            .replaceAll(
                "norm\\((\\w+)\\)",
                "torch.batch_norm($1, gamma, beta, mean, variance, False, 0.1, 1.0e-05, True)")
            .replaceAll(
                "pool\\((\\w+)\\)", "torch.max_pool2d($1, [2, 2], [2, 2], [0, 0], [1, 1], False)");
    for (String line : full.split(";", -1)) {
      build.code("__torch__.py", "    " + line);
    }
    Map<String, PickleValue> tensors = new HashMap<>();
    tensors.put("first", build.tensor(spread(1, 8 * 8 * 9), 8, 8, 3, 3));
    tensors.put("second", build.tensor(spread(2, 8 * 8 * 9), 8, 8, 3, 3));
    tensors.put("point", build.tensor(spread(3, 8 * 8), 8, 8, 1, 1));
    tensors.put("fc", build.tensor(spread(4, 12 * 72), 12, 72));
    tensors.put("head", build.tensor(spread(5, 5 * 12), 5, 12));
    tensors.put("gamma", build.tensor(new float[] {1, -1, 0.5f, 2, 0, 1, -0.25f, 1}, 8));
    tensors.put("beta", build.tensor(new float[] {0, 0.3f, 0.2f, -1, 0.4f, 1, 0, -0.1f}, 8));
    tensors.put("mean", build.tensor(new float[] {0.1f, 0, -0.3f, 1, 0, 0.5f, 0, 0}, 8));
    tensors.put("variance", build.tensor(new float[] {1, 2, 0.5f, 1, 1, 3, 0.2f, 1}, 8));
    return build.archive(Build.module("__torch__.Net", tensors));
  }

  /** Of two neighbours, one is 0, so that no processor adds two products that saturate. */
  private static float[] spread(long seed, int count) {
    Random random = new Random(seed);
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      // Columns of a matrix and channels of a kernel of eight channels alternate.
      numbers[i] =
          (count > 500 && count != 12 * 72 ? i / 9 : i) % 2 == 0
              ? (float) random.nextGaussian() / 4
              : 0;
    }
    return numbers;
  }

  /** Ranges of weights; those that are not named have -1 to 3. */
  private static Quantized quantized(String body, boolean chain, Map<String, double[]> ranges) {
    Quantized quantized = new Quantized(net(body));
    for (String name : quantized.candidates()) {
      double[] range = ranges.getOrDefault(name, new double[] {-1, 3});
      quantized.add(name, 0, PlainScheme.INT8, options(range[0], range[1], chain));
    }
    return quantized;
  }

  /** The outputs for images, of which those of a batch are loaded once. */
  private static float[][] run(ScriptArchive archive, Shape... shapes) throws Exception {
    float[][] outputs = new float[shapes.length][];
    try (Torch torch = Torch.load(archive);
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      for (int s = 0; s < shapes.length; s++) {
        Random random = new Random(9);
        float[] numbers = new float[Math.toIntExact(shapes[s].size())];
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = (float) random.nextGaussian();
        }
        outputs[s] = torch.run(manager.create(numbers, shapes[s]));
      }
    }
    return outputs;
  }

  private static void requireChained(String body, long expected, Map<String, double[]> ranges)
      throws Exception {
    Shape[] shapes = {new Shape(3, 8, 6, 6), new Shape(40, 8, 6, 6)};
    Quantized chained = quantized(body, true, ranges);
    float[][] got = run(chained.rewrite(), shapes);
    assertThat(handed(chained)).as(body).isEqualTo(expected);
    float[][] apart = run(quantized(body, false, ranges).rewrite(), shapes);
    for (int s = 0; s < shapes.length; s++) {
      assertThat(got[s]).hasSameSizeAs(apart[s]);
      int differ = 0;
      for (int i = 0; i < got[s].length; i++) {
        // A number that lies between two codes may become either.
        assertThat(got[s][i]).as(body).isCloseTo(apart[s][i], within(0.05f));
        differ += Math.abs(got[s][i] - apart[s][i]) > 1e-4f ? 1 : 0;
      }
      assertThat(differ).as(body).isLessThanOrEqualTo(got[s].length / 20);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1;a = conv(x, first);b = torch.relu(a);return conv(b, second)",
        "1;a = conv(x, first);return conv(a, second)",
        "1;a = conv(x, first);b = norm(a);c = torch.relu_(b);return conv(c, second)",
        "1;a = conv(x, first);b = norm(a);return conv(b, second)",
        "2;a = conv(x, first);b = torch.relu(a);c = torch._convolution(b, point, beta, [1, 1],"
            + " [0, 0], [1, 1], False, [0, 0], 1, False, False, True, True);"
            + "d = torch.relu(c);return conv(d, second)",
        "1;a = torch._convolution(x, point, beta, [2, 2], [0, 0], [1, 1], False, [0, 0], 1, False,"
            + " False, True, True);b = norm(a);c = torch.relu(b);return conv(c, second)",
        "3;a = conv(x, first);b = torch.relu(norm(a));c = conv(b, second);d = pool(c);"
            + "e = torch.relu(d);f = torch.flatten(e, 1);g = torch.dropout(f, 0.5, False);"
            + "h = torch.relu(torch.linear(g, fc, None));return torch.linear(h, head, None)",
        "2;a = pool(x);b = torch.relu(conv(a, first));c = torch.view(b, [torch.size(b, 0), -1]);"
            + "d = torch.linear(c, fc);return torch.linear(d, head, None)",
        // Two layers that take the same codes.
        "1;a = torch.relu(conv(x, first));b = conv(a, second);"
            + "c = torch._convolution(a, point, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, False,"
            + " False, True, True);return torch.add(b, c)"
      })
  void linksAreFound(String body) throws Exception {
    requireChained(body.substring(2), body.charAt(0) - '0', Map.of());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        // Used elsewhere.
        "a = torch.relu(conv(x, first));b = conv(a, second);return torch.add(a, b)",
        "a = conv(x, first);b = conv(torch.relu(a), second);return torch.add(a, b)",
        "a = torch.relu(conv(x, first));b = conv(a, second);return torch.mul(b, torch.amax(a))",
        "a = conv(x, first);b = conv(a, second);c = torch.relu(a);return torch.add(b, conv(c, second))",
        // Of the branches only one rectifies, or normalizes.
        "a = conv(x, first);b = conv(torch.relu(a), second);"
            + "return torch.add(b, torch._convolution(a, point, None, [1, 1], [0, 0], [1, 1], False,"
            + " [0, 0], 1, False, False, True, True))",
        // What is no relu, and no normalization by stored statistics.
        "a = torch.sigmoid(conv(x, first));return conv(a, second)",
        "a = torch.relu(torch.add(conv(x, first), 0.5));return conv(a, second)",
        "a = torch.relu_(torch.add_(conv(x, first), 0.5));return conv(a, second)",
        "a = torch.to(conv(x, first), 6);return conv(a, second)",
        "a = torch.avg_pool2d(conv(x, first), [2, 2], [2, 2], [0, 0], False, True);"
            + "return conv(a, second)",
        "a = torch.batch_norm(conv(x, first), gamma, beta, None, None, True, 0.1, 1.0e-05, True);"
            + "return conv(a, second)",
        "a = torch.batch_norm(conv(x, first), None, beta, mean, variance, False, 0.1, 1.0e-05,"
            + " True);return conv(a, second)",
        // Normalized after it was rectified.
        "a = torch.relu(conv(x, first));return conv(norm(a), second)",
        "a = conv(x, first);b = norm(a);return conv(norm(b), second)",
        "b = torch.add_(beta, 0.);a = conv(x, first);return conv(norm(a), second)",
        // Of a branch, and of a loop.
        "if torch.gt(torch.size(x, 0), 1):;  a = torch.relu(conv(x, first));else:;  a = x;"
            + "return conv(a, second)",
        "a = x;for i in range(2):;  a = torch.relu(conv(a, first));return conv(a, second)",
        // A weight that is used twice, or otherwise.
        "a = torch.relu(conv(x, first));return conv(torch.relu(conv(a, second)), second)",
        "a = torch.relu(conv(x, first));return torch.mul(conv(a, second), torch.sum(second))",
        "a = torch.flatten(x, 1);b = torch.slice(a, 1, 0, 72);c = torch.linear(b, fc, None);"
            + "return torch.matmul(c, torch.t(head))"
      })
  void inDoubtThereIsFloat(String body) throws Exception {
    requireChained(body, 0, Map.of());
  }

  /** Codes are those of one range. */
  @Test
  void layersOfOtherRangesTakeNumbers() throws Exception {
    String body =
        "a = torch.relu(conv(x, first));b = conv(a, second);"
            + "c = torch._convolution(a, point, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1, False,"
            + " False, True, True);return torch.add(b, c)";
    requireChained(body, 0, Map.of("point", new double[] {0, 3}));
    requireChained(body, 1, Map.of("first", new double[] {-2, 3}));
  }

  @Test
  void emptyInputsAndSingleImagesKeepTheirShape() throws Exception {
    String normed = "a = conv(x, first);b = torch.relu(norm(a));return conv(b, second)";
    assertThat(run(quantized(normed, true, Map.of()).rewrite(), new Shape(0, 8, 6, 6))[0])
        .isEmpty();
    String plain = "a = torch.relu(conv(x, first));return conv(a, second)";
    float[][] images =
        run(quantized(plain, true, Map.of()).rewrite(), new Shape(8, 6, 6), new Shape(1, 8, 6, 6));
    assertThat(images[0]).isEqualTo(images[1]);
  }

  /** Without the option nothing of a file changes. */
  @Test
  void theOptionIsOffUnlessAskedFor() {
    Map<String, String> code =
        new TreeMap<>(
            quantized("return conv(x, first)", false, Map.of()).rewrite().program().code());
    assertThat(code.values())
        .noneMatch(text -> text.contains("chained") || text.contains("normed"));
  }
}

package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.files.testing.Sweep;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.lifecycle.AddLifecycleHook;

/**
 * On processors that add two products in 16 bits, kernels must give what exact integers give, on
 * the worst inputs too. All numbers here are codes already: inputs are whole numbers over the full
 * range of levels, weights whole numbers up to 127, so that nothing is rounded but what is rounded
 * on purpose. The library is told that the processor saturates, so that one that does not is tested
 * for the same numbers.
 */
@AddLifecycleHook(Sweep.class)
class SaturationTest {

  private static final int PRODUCT_LIMIT = 128;
  private static final int CONVOLUTION_LIMIT = 176;

  /** The sizes of a convolution. */
  private record Window(
      int in, int out, int high, int wide, int stride, int padding, int dilation, int groups) {

    static Window random(Random random) {
      int groups = 1 + random.nextInt(3);
      return new Window(
          1 + random.nextInt(random.nextBoolean() ? 5 : 40),
          groups * (1 + random.nextInt(12)),
          1 + random.nextInt(4),
          1 + random.nextInt(4),
          1 + random.nextInt(2),
          random.nextInt(3),
          1 + random.nextInt(2),
          groups);
    }

    int kernel() {
      return in * high * wide;
    }

    /** Whether there are inputs of which an output sees nothing but padding. */
    boolean mayMiss() {
      return mayMiss(high) || mayMiss(wide);
    }

    private int span(int taps) {
      return dilation * (taps - 1) + 1;
    }

    /** The least size of inputs along an axis. */
    int leastSize(int taps) {
      return Math.max(1, span(taps) - 2 * padding);
    }

    private boolean mayMiss(int taps) {
      int span = span(taps);
      return IntStream.rangeClosed(leastSize(taps), span + 1)
          .anyMatch(
              size ->
                  IntStream.rangeClosed(-padding, size + padding - span)
                      .anyMatch(
                          first ->
                              IntStream.range(0, taps)
                                  .map(tap -> first + dilation * tap)
                                  .noneMatch(at -> at >= 0 && at < size)));
    }
  }

  /**
   * Codes of weights as a processor that saturates gets them, with the scales that make up for it.
   */
  private static final class Spaced {

    private final int[][] codes;
    private final float[] scales;
    private int levels = 255;

    /** For products, where the kernel may split the columns anywhere. */
    static Spaced ofColumns(int[][] rows, Kernels kernels) {
      return new Spaced(
          rows, rows[0].length, PRODUCT_LIMIT, kernels == Kernels.LASTING && rows[0].length > 256);
    }

    Spaced(int[][] rows, int channels, int limit) {
      this(rows, channels, limit, false);
    }

    private Spaced(int[][] rows, int channels, int limit, boolean split) {
      codes = new int[rows.length][];
      scales = new float[rows.length];
      int greatest = 0;
      for (int r = 0; r < rows.length; r++) {
        codes[r] = rows[r].clone();
        scales[r] = 1;
        int sum = neighbours(rows[r], channels, split);
        if (sum > limit) {
          scales[r] = (float) sum / (limit - 1);
          for (int i = 0; i < codes[r].length; i++) {
            codes[r][i] = (int) Math.rint(rows[r][i] / scales[r]);
          }
        }
        greatest = Math.max(greatest, neighbours(codes[r], channels, split));
      }
      assertThat(greatest).isLessThanOrEqualTo(limit);
      levels = greatest <= PRODUCT_LIMIT ? 255 : 32767 / greatest - 1;
    }

    /** The greatest sum of two codes that a kernel may add first. */
    private static int neighbours(int[] row, int channels, boolean split) {
      int places = row.length / channels;
      int greatest = 0;
      for (int i = 1; split && i + 1 < row.length; i += 2) {
        greatest = Math.max(greatest, Math.abs(row[i] + row[i + 1]));
      }
      int[] inOrder = new int[row.length];
      for (int place = 0; place < places; place++) {
        for (int c = 0; c < channels; c++) {
          inOrder[place * channels + c] = row[c * places + place];
          if (c % 2 == 0) {
            int other = c + 1 < channels ? row[(c + 1) * places + place] : 0;
            greatest = Math.max(greatest, Math.abs(row[c * places + place] + other));
          }
        }
      }
      for (int i = 0; channels % 2 == 1 && i < inOrder.length; i += 2) {
        int other = i + 1 < inOrder.length ? inOrder[i + 1] : 0;
        greatest = Math.max(greatest, Math.abs(inOrder[i] + other));
      }
      return greatest;
    }
  }

  /** Rows of whole numbers up to 127, which one of each has, so that the scale of a row is 1. */
  private static int[][] weights(Random random, int rows, int cols) {
    int[][] weights = new int[rows][cols];
    for (int[] row : weights) {
      int bound = 1 + random.nextInt(127);
      for (int i = 0; i < cols; i++) {
        row[i] = random.nextInt(2 * bound + 1) - bound;
      }
      row[random.nextInt(cols)] = random.nextBoolean() ? 127 : -127;
    }
    return weights;
  }

  private static float[] flat(int[][] rows) {
    float[] flat = new float[rows.length * rows[0].length];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = rows[i / rows[0].length][i % rows[0].length];
    }
    return flat;
  }

  /** Codes of inputs less their zero point: mostly the extremes, and each of them at least once. */
  private static int[] inputs(Random random, int count, int levels, int zero) {
    int[] inputs = new int[count];
    for (int i = 0; i < count; i++) {
      int code =
          switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> random.nextInt(levels + 1);
            default -> levels;
          };
      inputs[i] = code - zero;
    }
    inputs[random.nextInt(count / 2)] = -zero;
    inputs[count / 2 + random.nextInt(count - count / 2)] = levels - zero;
    return inputs;
  }

  private static Kernels kernels(Random random) {
    return random.nextBoolean() ? Kernels.LASTING : Kernels.FASTEST;
  }

  private static ScriptArchive onSaturating(ScriptArchive archive, Kernels kernels, Mode expected) {
    Quantized quantized =
        new Quantized(archive)
            .addAll(PlainScheme.INT8, Quantized.options(Mode.DYNAMIC, kernels, 0));
    ScriptArchive rewritten = quantized.rewrite();
    assertThat(quantized.treatments()).extracting(Treatment::mode).containsExactly(expected);
    String path = "__torch__/monoquant.py";
    String library = rewritten.program().code().get(path);
    assertThat(library).contains("< 2072576.", "< 9000000.");
    return rewritten.withCode(
        path, library.replace("< 2072576.", "< 99000000.").replace("< 9000000.", "< 99000000."));
  }

  private static ScriptArchive archive(int[][] rows, String call, long... shape) {
    Build build = new Build(1);
    return build.of(call, build.tensor(flat(rows), shape), None.INSTANCE);
  }

  private static float[] run(ScriptArchive archive, int[] inputs, long... shape) throws Exception {
    float[] values = new float[inputs.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = inputs[i];
    }
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        Torch torch = Torch.load(archive)) {
      NDArray input = manager.create(values, new Shape(shape));
      float[] fresh = torch.run(input);
      useMemory(manager);
      assertThat(torch.run(input)).isEqualTo(fresh);
      return fresh;
    }
  }

  /** Memory that is handed out next was in use before, and is not zero. */
  private static void useMemory(NDManager manager) {
    try (NDManager scope = manager.newSubManager()) {
      // Memory of up to the size of a block that was freed is kept, and not given back.
      scope.create(new Shape(31 << 18)).close();
      for (int size = 16; size < 1 << 18; size += size / 4) {
        for (int i = 0; i < 6; i++) {
          scope.full(new Shape(size), 12345f);
        }
      }
    }
  }

  private static void assertExact(float got, long sum, float scale) {
    // A single addition that saturates is off by much more than half a step.
    assertThat((double) got)
        .isBetween(
            sum * (double) scale - 0.4 * scale - 1e-6 * Math.abs(sum * (double) scale),
            sum * (double) scale + 0.4 * scale + 1e-6 * Math.abs(sum * (double) scale));
  }

  @Property(tries = 60)
  void productsAreExact(@ForAll long seed) throws Exception {
    Random random = new Random(seed);
    int rows = 1 + random.nextInt(40);
    int cols = 2 + random.nextInt(random.nextBoolean() ? 8 : 300);
    requireExact(rows, cols, 1 + random.nextInt(5), random);
  }

  private static void requireExact(int rows, int cols, int batch, Random random) throws Exception {
    int[][] weights = weights(random, rows, cols);
    Kernels kernels = kernels(random);
    Spaced spaced = Spaced.ofColumns(weights, kernels);
    int[] inputs = inputs(random, batch * cols, 255, random.nextInt(256));
    float[] got =
        run(
            onSaturating(
                archive(weights, "torch.linear(x, weight, None)", rows, cols),
                kernels,
                Mode.DYNAMIC),
            inputs,
            batch,
            cols);
    for (int b = 0; b < batch; b++) {
      for (int r = 0; r < rows; r++) {
        long sum = 0;
        for (int i = 0; i < cols; i++) {
          sum += (long) inputs[b * cols + i] * spaced.codes[r][i];
        }
        assertExact(got[b * rows + r], sum, spaced.scales[r]);
      }
    }
  }

  /** Blocks of 129, 139, 147 and 171 columns. */
  @Example
  void columnsThatAreSplitAtOddOnesAreExact() throws Exception {
    for (int cols : new int[] {257, 277, 294, 513}) {
      for (int seed = 0; seed < 4; seed++) {
        requireExact(3, cols, 2, new Random(seed));
      }
    }
  }

  @Property(tries = 120)
  void convolutionsAreExact(@ForAll long seed) throws Exception {
    Random random = new Random(seed);
    requireExact(Window.random(random), random);
  }

  /** One input channel for each group, several outputs, and some of them only of padding. */
  @Example
  void outputsOfPaddingAloneAreWritten() throws Exception {
    convolutionsAreExact(-20);
  }

  /** All taps of a dilated kernel may miss an input that lies between them. */
  @Example
  void tapsOnBothSidesOfTheInputAddNothing() throws Exception {
    for (int seed = 0; seed < 20; seed++) {
      requireExact(new Window(2, 5, 2, 2, 1, 1, 5, 1), new Random(seed));
    }
  }

  private static void requireExact(Window w, Random random) throws Exception {
    int[][] weights = weights(random, w.out(), w.kernel());
    Spaced spaced = new Spaced(weights, w.in(), CONVOLUTION_LIMIT);
    if (w.mayMiss()) {
      // It is decoded, so that neither codes nor inputs have to keep sums small.
      spaced = new Spaced(weights, w.in(), Integer.MAX_VALUE);
    }
    int high = w.leastSize(w.high()) + random.nextInt(9);
    int wide = w.leastSize(w.wide()) + random.nextInt(20);
    int channels = w.in() * w.groups();
    int batch = 2 + random.nextInt(2);
    int[] inputs =
        inputs(
            random,
            batch * channels * high * wide,
            spaced.levels,
            random.nextInt(spaced.levels + 1));
    String call =
        String.format(
            "torch.conv2d(x, weight, None, [%1$d, %1$d], [%2$d, %2$d], [%3$d, %3$d], %4$d)",
            w.stride(), w.padding(), w.dilation(), w.groups());
    float[] got =
        run(
            onSaturating(
                archive(weights, call, w.out(), w.in(), w.high(), w.wide()),
                kernels(random),
                w.mayMiss() ? Mode.WEIGHT_ONLY : Mode.DYNAMIC),
            inputs,
            batch,
            channels,
            high,
            wide);
    int rows = (high + 2 * w.padding() - w.dilation() * (w.high() - 1) - 1) / w.stride() + 1;
    int cols = (wide + 2 * w.padding() - w.dilation() * (w.wide() - 1) - 1) / w.stride() + 1;
    assertThat(got).hasSize(batch * w.out() * rows * cols);
    for (int i = 0; i < got.length; i++) {
      int out = i / (rows * cols) % w.out();
      int image = i / (rows * cols) / w.out() * channels + out / (w.out() / w.groups()) * w.in();
      long sum = 0;
      for (int k = 0; k < w.kernel(); k++) {
        int channel = image + k / (w.high() * w.wide());
        int y = i / cols % rows * w.stride() - w.padding();
        int x = i % cols * w.stride() - w.padding();
        y += k / w.wide() % w.high() * w.dilation();
        x += k % w.wide() * w.dilation();
        if (y >= 0 && y < high && x >= 0 && x < wide) {
          sum += (long) inputs[(channel * high + y) * wide + x] * spaced.codes[out][k];
        }
      }
      assertExact(got[i], sum, spaced.scales[out]);
    }
  }
}

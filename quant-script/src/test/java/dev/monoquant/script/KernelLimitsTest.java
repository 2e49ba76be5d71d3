package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.tile.Part;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What int8 kernels would get wrong is decoded, with a reason; what they get right is not. */
class KernelLimitsTest {

  private static final List<Mode> KERNELS =
      List.of(Mode.DYNAMIC, Mode.DYNAMIC_ROW, Mode.DYNAMIC_ROW_ASYMMETRIC);

  /** Adding codes that are neighbours in 16 bits costs half a percent where there is no VNNI. */
  private static final double ROUNDING = 0.01;

  private static Quantized quantized(
      String call, PlainScheme scheme, Mode mode, float[] weight, long... shape) {
    Build build = new Build(1);
    ScriptArchive archive = build.of(call, build.tensor(weight, shape), None.INSTANCE);
    return new Quantized(archive).addAll(scheme, Quantized.options(mode, 0));
  }

  private static float[] ones(long... shape) {
    float[] ones = new float[Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact))];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static float[] onBrightInput(ScriptArchive archive, long... shape) throws Exception {
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        Torch torch = Torch.load(archive)) {
      return torch.run(manager.full(new Shape(shape), 200f));
    }
  }

  static Stream<Arguments> sums() {
    return Stream.of(
            Arguments.of(PlainScheme.INT8, 65_793, true),
            Arguments.of(PlainScheme.INT8, 65_794, false),
            Arguments.of(PlainScheme.INT8, 66_300, false),
            Arguments.of(PlainScheme.INT8, 66_400, false),
            Arguments.of(PlainScheme.INT8_GROUP, 66_311, true),
            Arguments.of(PlainScheme.INT8_GROUP, 66_312, false),
            Arguments.of(PlainScheme.INT4, 66_311, true),
            Arguments.of(PlainScheme.INT4, 66_400, false),
            Arguments.of(PlainScheme.INT8_ASYMMETRIC, 33_025, true),
            Arguments.of(PlainScheme.INT8_ASYMMETRIC, 33_026, false),
            Arguments.of(PlainScheme.UINT8, 33_025, true),
            Arguments.of(PlainScheme.UINT8, 33_026, false))
        .flatMap(
            sum ->
                KERNELS.stream()
                    .map(mode -> Arguments.of(sum.get()[0], sum.get()[1], sum.get()[2], mode)));
  }

  /** All numbers are alike, and all codes as far from zero as they can be. */
  @ParameterizedTest
  @MethodSource("sums")
  void sumsOfProductsDoNotOverflow(PlainScheme scheme, int products, boolean held, Mode mode)
      throws Exception {
    Quantized quantized =
        quantized("torch.linear(x, weight, None)", scheme, mode, ones(2, products), 2, products);
    double number = 1;
    if (scheme == PlainScheme.INT8) {
      Arrays.fill(quantized.part("weight", Part.CODES).get(0), Byte.MIN_VALUE);
      number = Byte.MIN_VALUE / 127.0;
    }
    float[] got = onBrightInput(quantized.rewrite(), 3, products);
    requireTreatment(quantized, held, mode, products);
    assertThat(got).hasSize(6);
    for (float sum : got) {
      assertThat(sum / (200.0 * products * number)).isBetween(1 - ROUNDING, 1 + ROUNDING);
    }
  }

  private static void requireTreatment(Quantized quantized, boolean held, Mode mode, int products) {
    assertThat(quantized.treatments())
        .extracting(Treatment::mode)
        .containsExactly(held ? mode : Mode.WEIGHT_ONLY);
    if (!held) {
      assertThat(quantized.treatments().get(0).note())
          .startsWith("decoded once when the model is loaded: the 32 bits of an int8 kernel hold")
          .endsWith("products, and it adds " + products);
    }
  }

  @ParameterizedTest
  @CsvSource({"66311, true", "66312, false"})
  void sumsOverTheRowsOfAWeightAreLimitedToo(int products, boolean held) throws Exception {
    for (Mode mode : KERNELS) {
      Quantized quantized =
          quantized(
              "torch.matmul(x, weight)", PlainScheme.INT8, mode, ones(products, 2), products, 2);
      float[] got = onBrightInput(quantized.rewrite(), 1, products);
      requireTreatment(quantized, held, mode, products);
      for (float sum : got) {
        assertThat(sum / (200.0 * products)).isBetween(1 - ROUNDING, 1 + ROUNDING);
      }
    }
  }

  /** The channels of a group times the taps of the kernel are what is added. */
  @ParameterizedTest
  @CsvSource({"4112, true", "4144, false", "4150, false"})
  void sumsOfConvolutionsDoNotOverflow(int channels, boolean held) throws Exception {
    for (Mode mode : KERNELS) {
      Quantized quantized =
          quantized(
              "torch.conv2d(x, weight, None, [1, 1], [0, 0], [1, 1], 1)",
              PlainScheme.INT8,
              mode,
              ones(2, channels, 4, 4),
              2,
              channels,
              4,
              4);
      float[] got = onBrightInput(quantized.rewrite(), 1, channels, 4, 4);
      requireTreatment(quantized, held, mode, channels * 16);
      for (float sum : got) {
        assertThat(sum / (200.0 * channels * 16)).isBetween(1 - ROUNDING, 1 + ROUNDING);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1", "1, 0, 1", "3, 1, 1", "3, 2, 1", "3, 3, 1", "2, 1, 1", "2, 1, 2", "3, 2, 2",
    "3, 3, 2", "4, 2, 2", "4, 3, 2", "5, 4, 2", "5, 5, 2", "7, 3, 1", "3, 36, 36", "3, 37, 36"
  })
  void windowsThatMayMissTheInputAreDecoded(int kernel, int padding, int dilation) {
    boolean misses = mayMiss(kernel, padding, dilation);
    String one = String.format("[1], [%d], [%d], 1)", padding, dilation);
    requireDecoded(misses, "torch.conv1d(x, weight, None, " + one, 2, 3, kernel);
    String two = String.format("[1, 1], [0, %d], [1, %d], 1)", padding, dilation);
    requireDecoded(misses, "torch.conv2d(x, weight, None, " + two, 2, 3, 2, kernel);
    String turned =
        String.format(
            "[2, 2], [%d, 0], [%d, 1], False, [0, 0], 3, False, False, True, True)",
            padding, dilation);
    requireDecoded(misses, "torch._convolution(x, weight, None, " + turned, 6, 1, kernel, 2);
  }

  private static boolean mayMiss(int taps, int padding, int dilation) {
    int span = dilation * (taps - 1) + 1;
    return IntStream.rangeClosed(Math.max(1, span - 2 * padding), span + 1)
        .anyMatch(
            size ->
                IntStream.rangeClosed(-padding, size + padding - span)
                    .anyMatch(
                        first ->
                            IntStream.range(0, taps)
                                .map(tap -> first + dilation * tap)
                                .noneMatch(at -> at >= 0 && at < size)));
  }

  private static void requireDecoded(boolean decoded, String call, long... shape) {
    for (Mode mode : KERNELS) {
      Quantized quantized = quantized(call, PlainScheme.INT8, mode, ones(shape), shape);
      quantized.rewrite();
      Treatment treatment = quantized.treatments().get(0);
      assertThat(treatment.mode()).as(call).isEqualTo(decoded ? Mode.WEIGHT_ONLY : mode);
      if (decoded) {
        assertThat(treatment.note())
            .startsWith("decoded once when the model is loaded: with padding ")
            .endsWith("outputs may lie wholly in the padding, which int8 kernels get wrong");
      }
    }
  }

  /** Results of int8 convolutions have their channels last, whatever order those of floats have. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.as_strided | torch.as_strided(y, [8, 36], [36, 1])",
        "torch.as_strided | torch.as_strided(torch.relu(y), [288], [1], 0)",
        "torch.resize_ | torch.resize_(y, [4, 36])",
        "torch.stride | torch.mul(y, torch.stride(y, 1))",
        "torch.view_as_complex | torch.abs(torch.view_as_complex(torch.reshape(y, [8, 6, 3, 2])))"
      })
  void convolutionsKeepTheOrderThatTheCodeDependsOn(String function, String call) throws Exception {
    String convolution = "torch.conv2d(x, weight, None, [1, 1], [1, 1], [1, 1], 1)";
    String whole = call.replaceAll("\\by\\b", convolution);
    Build build = new Build(1);
    ScriptArchive archive = build.of(whole, build.tensor(1, 8, 4, 3, 3), None.INSTANCE);
    for (Mode mode : KERNELS) {
      Quantized quantized =
          new Quantized(archive).addAll(PlainScheme.INT8, Quantized.options(mode, 0));
      try (Torch original = Torch.load(archive);
          Torch changed = Torch.load(quantized.rewrite())) {
        assertThat(Torch.error(original.run("f1x4x6x6", 1), changed.run("f1x4x6x6", 1)))
            .isLessThan(0.02);
      }
      assertThat(quantized.treatments().get(0).note())
          .isEqualTo(
              "decoded once when the model is loaded: the code depends on the order of numbers in"
                  + " memory ("
                  + function
                  + "), which int8 convolutions change");
    }
  }

  @Test
  void productsDoNotMindThatOrder() {
    Build build = new Build(1);
    ScriptArchive archive =
        build.of(
            "torch.as_strided(torch.linear(x, weight, None), [8], [1])",
            build.tensor(1, 8, 4),
            None.INSTANCE);
    Quantized quantized =
        new Quantized(archive).addAll(PlainScheme.INT8, Quantized.options(Mode.DYNAMIC, 0));
    quantized.rewrite();
    assertThat(quantized.treatments()).extracting(Treatment::mode).containsExactly(Mode.DYNAMIC);
  }

  @Test
  void whatWasAskedToBeDecodedHasNoOtherReason() {
    Quantized quantized =
        quantized(
            "torch.conv1d(x, weight, None, [1], [9], [1], 1)",
            PlainScheme.INT8,
            Mode.WEIGHT_ONLY,
            ones(2, 3, 2),
            2,
            3,
            2);
    quantized.rewrite();
    assertThat(quantized.treatments().get(0).note())
        .isEqualTo("decoded once when the model is loaded");
  }
}

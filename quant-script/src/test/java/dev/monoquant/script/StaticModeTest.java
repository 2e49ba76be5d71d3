package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.spi.OptionValues;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Products and convolutions whose inputs have a range that was measured before. */
class StaticModeTest {

  private static final int ROWS = 24;
  private static final int COLUMNS = 40;

  private static OptionValues options(Kernels kernels, double least, double greatest) {
    return Quantized.options(Mode.STATIC, kernels, 0)
        .with(HolderOptions.LEAST, least)
        .with(HolderOptions.GREATEST, greatest);
  }

  private static float[] numbers(long seed, int count, double scale) {
    Random random = new Random(seed);
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) (random.nextGaussian() * scale);
    }
    return numbers;
  }

  private static ScriptArchive linear(float[] weight, Kernels kernels, double low, double high)
      throws Exception {
    Build build = new Build(1);
    ScriptArchive plain =
        build.of(
            "torch.linear(x, weight, None)", build.tensor(weight, ROWS, COLUMNS), None.INSTANCE);
    Quantized quantized = new Quantized(plain);
    quantized.addAll(PlainScheme.INT8, options(kernels, low, high));
    ScriptArchive rewritten = quantized.rewrite();
    assertThat(quantized.treatments()).allSatisfy(t -> assertThat(t.mode()).isEqualTo(Mode.STATIC));
    return rewritten;
  }

  /** Few and many rows, ranges around, above and below zero; a fifth of the inputs is outside. */
  @ParameterizedTest
  @CsvSource({
    "LASTING, 3, -1, 2", "LASTING, 900, -1, 2", "LASTING, 900, 0.5, 1.5", "LASTING, 900, -2, -1",
    "LASTING, 900, -1.5, 1.5", "FASTEST, 3, -1, 2", "FASTEST, 900, -1, 2", "FASTEST, 3, 0, 1.5"
  })
  void productsAreThoseOfClippedCodes(Kernels kernels, int count, double low, double high)
      throws Exception {
    float[] weight = numbers(7, ROWS * COLUMNS, 0.05);
    for (int i = 1; i < weight.length; i += 2) {
      weight[i] = 0; // So that no processor adds two products that saturate.
    }
    float[] x = numbers(8, count * COLUMNS, 1);
    float[] got;
    try (Torch torch = Torch.load(linear(weight, kernels, low, high));
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      got = torch.run(manager.create(x, new Shape(count, COLUMNS)));
    }
    double least = Math.min(low, 0);
    double step = (Math.max(high, 0) - least) / 255;
    double zero = Math.floor(0.5 - least / step);
    if (Math.abs(zero + least / step) > 0.499) {
      // Rounding both ends of the range the same way takes a little more than a step.
      step = (Math.max(high, 0) - least) / 254.99;
      zero = Math.floor(0.5001 - least / step);
    }
    double[] codes = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      codes[i] = Math.max(0, Math.min(255, Math.rint(x[i] / step + zero))) - zero;
    }
    double worst = 0;
    for (int i = 0; i < count; i++) {
      for (int r = 0; r < ROWS; r++) {
        double most = 0;
        for (int c = 0; c < COLUMNS; c++) {
          most = Math.max(most, Math.abs(weight[r * COLUMNS + c]));
        }
        double scale = most / 127;
        double sum = 0;
        double slack = 0;
        for (int c = 0; c < COLUMNS; c++) {
          double code = Math.rint(weight[r * COLUMNS + c] / scale);
          sum += codes[i * COLUMNS + c] * step * code * scale;
          // An input between two codes may become either.
          slack += step * Math.abs(code) * scale;
        }
        double error = Math.abs(got[i * ROWS + r] - sum);
        worst = Math.max(worst, error / slack);
      }
    }
    // Steps and zero points that are rounded move few codes by one.
    assertThat(worst).isLessThan(0.12);
  }

  @ParameterizedTest
  @EnumSource(Kernels.class)
  void aSampleIsTheSameInAnyBatch(Kernels kernels) throws Exception {
    float[] weight = numbers(1, ROWS * COLUMNS, 0.05);
    try (Torch torch = Torch.load(linear(weight, kernels, -2, 2));
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDArray all = manager.create(numbers(2, 64 * COLUMNS, 1), new Shape(64, COLUMNS));
      all.set(new NDIndex("5"), 1e6f);
      float[] batch = torch.run(all);
      for (int i = 0; i < 4; i++) {
        float[] alone = torch.run(all.get(i + ":" + (i + 1)));
        assertThat(alone).isEqualTo(Arrays.copyOfRange(batch, i * ROWS, (i + 1) * ROWS));
      }
    }
  }

  /** The ranges of each layer are those that observers see of the same inputs. */
  @ParameterizedTest
  @EnumSource(
      value = Fixtures.class,
      names = {
        "BERT_TRACED",
        "BERT_FROZEN",
        "GPT2_TRACED",
        "TIED_SCRIPTED",
        "CONV2D_SCRIPTED",
        "CONV2D_TRACED",
        "CONV2D_FROZEN",
        "CONV1D_TRACED",
        "HALF_TRACED",
        "BFLOAT16_SCRIPTED",
        "DIGITS_CNN_TRACED",
        "DIGITS_TRANSFORMER_TRACED"
      })
  void observedRangesGiveTheOutputOfTheOriginal(Fixtures fixture) throws Exception {
    float[] expected = fixture.output();
    for (Kernels kernels : Kernels.values()) {
      Quantized quantized = fixture.ranged((least, greatest) -> options(kernels, least, greatest));
      ScriptArchive rewritten = quantized.rewrite();
      assertThat(quantized.treatments()).anyMatch(t -> t.mode() == Mode.STATIC);
      try (Torch torch = Torch.load(rewritten)) {
        assertThat(Torch.error(expected, torch.run(fixture.input(), 1)))
            .as(kernels.wire())
            .isLessThan(fixture.tolerance());
      }
    }
  }

  @Test
  void withoutARangeItIsComputedInEachCall() throws Exception {
    Quantized quantized = new Quantized(Fixtures.TIED_TRACED.archive());
    quantized.addAll(PlainScheme.INT8, Quantized.options(Mode.STATIC, 0));
    quantized.rewrite();
    assertThat(quantized.treatments())
        .anySatisfy(
            t -> {
              assertThat(t.mode()).isEqualTo(Mode.DYNAMIC);
              assertThat(t.note()).contains("range of its inputs is not known");
            });
  }

  @Test
  void aRangeIsStoredToTheBit() throws Exception {
    float least = -0.1f;
    float greatest = 3.0000002f;
    Holder holder =
        new Holder(
            Codec.of(
                    PlainScheme.INT8.weight(
                        new Quantized(Fixtures.TIED_TRACED.archive())
                            .addAll(PlainScheme.INT8, options(Kernels.LASTING, least, greatest))
                            .weights()
                            .get(0)
                            .matrix(),
                        options(Kernels.LASTING, least, greatest)))
                .orElseThrow(),
            Mode.STATIC,
            Kernels.LASTING,
            Optional.empty());
    holder.addConstant(new Plan(true, false, false, Optional.empty(), false, Optional.empty()));
    assertThat(holder.numbers()).hasSize(10);
    double low = holder.numbers().get(6) * Math.pow(2, holder.numbers().get(7));
    double high = holder.numbers().get(8) * Math.pow(2, holder.numbers().get(9));
    assertThat(low).isEqualTo(least, within(0.0));
    assertThat(high).isEqualTo(greatest, within(0.0));
  }
}

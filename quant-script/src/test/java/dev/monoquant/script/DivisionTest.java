package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.spi.OptionValues;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Products whose weight holds columns that were multiplied by factors. */
class DivisionTest {

  private static final int ROWS = 24;
  private static final int COLUMNS = 64;
  private static final int INPUTS = 300;

  /** How much larger a few columns of the inputs are. */
  private static final float LARGE = 60;

  private static float[] numbers(long seed, int count, double scale) {
    Random random = new Random(seed);
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) (random.nextGaussian() * scale);
    }
    return numbers;
  }

  private static float[] inputs() {
    float[] x = numbers(3, INPUTS * COLUMNS, 1);
    for (int i = 0; i < x.length; i++) {
      x[i] *= i % COLUMNS % 16 == 0 ? LARGE : 1;
    }
    return x;
  }

  private static float[] factors() {
    float[] factors = new float[COLUMNS];
    for (int c = 0; c < COLUMNS; c++) {
      factors[c] = (c % 16 == 0 ? (float) Math.sqrt(LARGE) : 1f) / 1.3f;
    }
    return factors;
  }

  /** Odd columns are 0, so that no processor adds two products that saturate. */
  private static float[] weight() {
    float[] weight = numbers(4, ROWS * COLUMNS, 0.05);
    for (int i = 1; i < weight.length; i += 2) {
      weight[i] = 0;
    }
    return weight;
  }

  private static float[] run(
      String call, boolean transposed, PlainScheme scheme, OptionValues options, boolean divided)
      throws Exception {
    float[] weight = weight();
    Build build = new Build(1);
    float[] stored = new float[weight.length];
    for (int i = 0; i < weight.length; i++) {
      stored[transposed ? i % COLUMNS * ROWS + i / COLUMNS : i] = weight[i];
    }
    ScriptArchive plain =
        build.of(
            call,
            transposed ? build.tensor(stored, COLUMNS, ROWS) : build.tensor(stored, ROWS, COLUMNS),
            None.INSTANCE);
    Quantized quantized = new Quantized(plain);
    String name = quantized.candidates().get(0);
    assertThat(
            quantized.add(
                name,
                transposed ? 1 : 0,
                scheme,
                options,
                divided ? Optional.of(factors()) : Optional.empty()))
        .isEmpty();
    try (Torch torch = Torch.load(quantized.rewrite());
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      return torch.run(manager.create(inputs(), new Shape(INPUTS, COLUMNS)));
    }
  }

  /** The mean square error in parts of the mean square. */
  private static double noise(float[] got) {
    float[] x = inputs();
    float[] weight = weight();
    double error = 0;
    double signal = 0;
    for (int i = 0; i < INPUTS; i++) {
      for (int r = 0; r < ROWS; r++) {
        double sum = 0;
        for (int c = 0; c < COLUMNS; c++) {
          sum += (double) x[i * COLUMNS + c] * weight[r * COLUMNS + c];
        }
        error += Math.pow(got[i * ROWS + r] - sum, 2);
        signal += sum * sum;
      }
    }
    return error / signal;
  }

  static Stream<Arguments> kernels() {
    List<Arguments> all = new ArrayList<>();
    for (Kernels kernels : Kernels.values()) {
      for (Mode mode : Mode.values()) {
        for (PlainScheme scheme :
            List.of(PlainScheme.INT8, PlainScheme.INT8_ASYMMETRIC, PlainScheme.INT8_GROUP)) {
          all.add(Arguments.of(kernels, mode, scheme, false));
        }
        all.add(Arguments.of(kernels, mode, PlainScheme.INT8, true));
      }
    }
    return all.stream();
  }

  /** Of 8 bits: inputs with few large columns lose less when they are divided. */
  @ParameterizedTest
  @MethodSource("kernels")
  void dividedInputsLoseLess(Kernels kernels, Mode mode, PlainScheme scheme, boolean transposed)
      throws Exception {
    String call = transposed ? "torch.matmul(x, weight)" : "torch.linear(x, weight, None)";
    float most = 0;
    float mostDivided = 0;
    float[] x = inputs();
    float[] factors = factors();
    for (int i = 0; i < x.length; i++) {
      most = Math.max(most, Math.abs(x[i]));
      mostDivided = Math.max(mostDivided, Math.abs(x[i] / factors[i % COLUMNS]));
    }
    OptionValues options = Quantized.options(mode, kernels, 0);
    double plain = noise(run(call, transposed, scheme, ranged(options, most), false));
    double divided = noise(run(call, transposed, scheme, ranged(options, mostDivided), true));
    // Decoded weights are divided themselves, and here gain nothing.
    assertThat(divided).isLessThan(mode == Mode.WEIGHT_ONLY ? 3e-4 : 0.5 * plain);
    assertThat(divided).isLessThan(1e-3);
  }

  private static OptionValues ranged(OptionValues options, float most) {
    return options
        .with(HolderOptions.LEAST, (double) -most)
        .with(HolderOptions.GREATEST, (double) most);
  }

  /** Groups of 4 bits, a cast, and zero points: all decode to nearly the original. */
  @ParameterizedTest
  @org.junit.jupiter.params.provider.EnumSource(PlainScheme.class)
  void everySchemeDividesWhatItDecodes(PlainScheme scheme) throws Exception {
    double noise =
        noise(
            run(
                "torch.linear(x, weight, None)",
                false,
                scheme,
                Quantized.options(Mode.WEIGHT_ONLY, 0),
                true));
    assertThat(noise).isLessThan(Math.max(1e-5, 4 * Math.pow(scheme.coarseness(), 2)));
  }

  @Test
  void whatIsNoProductOfItsColumnsIsRefused() throws Exception {
    Quantized tied = new Quantized(Fixtures.TIED_TRACED.archive());
    Optional<float[]> factors = Optional.of(new float[1 << 16]);
    List<String> reasons = new ArrayList<>();
    for (String name : tied.candidates()) {
      for (int axis = 0; axis < 2; axis++) {
        new Quantized(Fixtures.TIED_TRACED.archive())
            .add(name, axis, PlainScheme.INT8, Quantized.options(Mode.DYNAMIC, 0), factors)
            .ifPresent(reasons::add);
      }
    }
    assertThat(reasons)
        .contains(
            "not all of its uses are products", "the inputs of its products are not its columns");
  }
}

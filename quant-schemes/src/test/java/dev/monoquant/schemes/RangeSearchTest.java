package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.monoquant.ValidationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.schemes.AffineSpec.AffineParameters;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.Samples;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

/** What a search promises of its outcome; the golden vectors have that of the peers. */
class RangeSearchTest {

  @Provide
  Arbitrary<WeightSample> weights() {
    return Samples.weights(EnumSet.allOf(ValuePattern.class), 4, 96, 24);
  }

  @Provide
  Arbitrary<String> profiles() {
    return Arbitraries.of("compressed-tensors", "torchao", "quanto", "onnxruntime");
  }

  /**
   * No group is worse than with any of the six coarse shares of its range, by plain sums over the
   * decoded values; the first of the six is the range as it is.
   */
  @Property(tries = 1000)
  void noGroupIsWorseThanWithACoarseShare(
      @ForAll("weights") WeightSample weight,
      @ForAll("profiles") String profile,
      @ForAll @IntRange(min = 2, max = 8) int bits,
      @ForAll boolean symmetric) {
    int group = 24;
    WeightMatrix matrix = weight.rows();
    float[] numbers = weight.values(0, weight.height());
    OptionValues options =
        OptionValues.of(bits, symmetric, Granularity.group(group))
            .with(CommonOptions.PROFILE, profile);
    Scheme scheme = Run.scheme(bits);
    float[] found;
    try {
      OptionValues grid = options.with(CommonOptions.SEARCH, "grid");
      found = decoded(scheme, matrix, grid, numbers);
    } catch (ValidationException e) {
      Assume.that(false);
      return;
    }
    AffineSpec spec = AffineSpec.of(bits, matrix, options);
    for (int from = 0; from < numbers.length; from += group) {
      float[] block = Arrays.copyOfRange(numbers, from, from + group);
      double error = error(block, Arrays.copyOfRange(found, from, from + group));
      for (int i = 0; i < 6 && error < 1e30; i++) {
        double other = errorOfShare(spec, block, 1 - i * 0.08f);
        // Errors are compared before decoded values are rounded to the weight's type.
        // Squares are compared in FLOAT32.
        double slack = 1e-5 * other + roundings(spec, block) + block.length * 1e-44;
        assertThat(error).as("share %d", i).isLessThanOrEqualTo(other + slack);
      }
    }
  }

  private static double roundings(AffineSpec spec, float[] block) {
    double most = 0;
    for (float value : block) {
      most = Math.max(most, Math.abs(value));
    }
    double step = spec.precision().relativeHalfStep(4 * most);
    return block.length * (step * step + 4 * step * most / (1 << (spec.bits() - 1)));
  }

  /** The squared error with a share of the range for the range; infinite if it has no scale. */
  private static double errorOfShare(AffineSpec spec, float[] block, float share) {
    float min = block[0];
    float max = block[0];
    for (float value : block) {
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    Precision t = spec.precision();
    float low = share == 1 ? min : t.round(share * min);
    float high = share == 1 ? max : t.round(share * max);
    AffineParameters made = spec.profile().parameters(spec, low, high, block[0]);
    float[] v = block.clone();
    float[] scale = new float[v.length];
    float[] zero = new float[v.length];
    Arrays.fill(scale, made.scale());
    Arrays.fill(zero, made.zeroPoint());
    spec.profile().levels(spec, v, scale, zero, v.length);
    double sum = 0;
    for (int i = 0; i < v.length; i++) {
      double level = v[i] - 0x1.8p23;
      double off = (level - made.zeroPoint()) * made.scale() - block[i];
      sum += off * off;
    }
    return Double.isFinite(sum) ? sum : Double.POSITIVE_INFINITY;
  }

  private static float[] decoded(
      Scheme scheme, WeightMatrix matrix, OptionValues options, float[] numbers) {
    return Run.decode(scheme, matrix, options, Run.quantize(scheme, matrix, options, numbers, 3));
  }

  private static double error(float[] numbers, float[] decoded) {
    double sum = 0;
    for (int i = 0; i < numbers.length; i++) {
      double off = (double) decoded[i] - numbers[i];
      sum += off * off;
    }
    return sum;
  }

  private static double decibels(int bits, OptionValues options, float[] numbers, int cols) {
    WeightMatrix matrix = Run.rows(ElementType.FLOAT32, numbers.length / cols, cols);
    double signal = error(numbers, new float[numbers.length]);
    return 10
        * Math.log10(signal / error(numbers, decoded(Run.scheme(bits), matrix, options, numbers)));
  }

  private static float[] normal(int count) {
    Random random = new Random(11);
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    return numbers;
  }

  /** What a search gains on numbers of a normal distribution, in dB; kept against regressions. */
  @Example
  void searchesGainWhatTheyShould() {
    float[] numbers = normal(256 * 512);
    OptionValues four = OptionValues.of(4, false, Granularity.group(128));
    OptionValues two = OptionValues.of(2, false, Granularity.group(32));
    OptionValues tensor = OptionValues.of(4, true, Granularity.TENSOR);
    OptionValues block = OptionValues.of(4, true, Granularity.block(64, 64));
    OptionValues hqq = four.with(CommonOptions.PROFILE, "torchao");
    double plain = decibels(4, four, numbers, 512);
    assertThat(plain).isCloseTo(20.0, within(0.15));
    double grid = decibels(4, four.with(CommonOptions.SEARCH, "grid"), numbers, 512);
    assertThat(grid - plain).isBetween(0.3, 0.8);
    double mse = decibels(4, four.with(CommonOptions.SEARCH, "mse"), numbers, 512);
    assertThat(grid - mse).isBetween(0.0, 0.15);
    double refined = decibels(4, hqq.with(CommonOptions.SEARCH, "hqq"), numbers, 512);
    assertThat(refined - plain).isBetween(0.1, 0.8);
    double few = decibels(2, two, numbers, 512);
    assertThat(decibels(2, two.with(CommonOptions.SEARCH, "grid"), numbers, 512) - few)
        .isBetween(1.2, 2.5);
    for (OptionValues wide : new OptionValues[] {tensor, block}) {
      double range = decibels(4, wide, numbers, 512);
      assertThat(decibels(4, wide.with(CommonOptions.SEARCH, "grid"), numbers, 512) - range)
          .isBetween(0.8, 6.0);
    }
  }

  /** Roots against the power of the library, to one part in 2^45. */
  @Property(tries = 2000)
  void powersAreRight(@ForAll float x) {
    for (Precision precision : Precision.values()) {
      double exponent = precision == Precision.FLOAT32 ? 2.4 : (double) precision.round(2.4f);
      double expected = Math.pow(Math.abs((double) x), exponent);
      if (Double.isFinite(expected) && expected > 0) {
        assertThat(RangeSearch.power(x, precision) / expected).isCloseTo(1, within(0x1p-45));
      }
      assertThat(RangeSearch.power(0, precision)).isZero();
      assertThat(RangeSearch.power(Float.NaN, precision)).isNaN();
    }
  }

  @Example
  void whatHasNoFormulaIsRefusedWithWhatHas() {
    WeightMatrix matrix = Run.rows(ElementType.FLOAT32, 4, 64);
    Scheme scheme = new Int4Scheme();
    OptionValues options = OptionValues.of(4, true, Granularity.group(32));
    OptionValues hqq = options.with(CommonOptions.SEARCH, "hqq");
    assertThat(((Fit.Unfit) scheme.fit(matrix, hqq)).nearest())
        .containsExactly(
            hqq.with(CommonOptions.SYMMETRIC, false).with(CommonOptions.PROFILE, "torchao"));
    OptionValues mse = options.with(CommonOptions.SEARCH, "mse");
    assertThat(scheme.fit(matrix, mse.with(CommonOptions.PROFILE, "quanto")))
        .isInstanceOfSatisfying(
            Fit.Unfit.class,
            unfit -> assertThat(unfit.reason()).contains("search=mse is that of profile"));
    assertThat(scheme.fit(matrix, mse.with(CommonOptions.GRANULARITY, Granularity.TENSOR)))
        .isInstanceOf(Fit.Unfit.class);
    assertThat(
            scheme.fit(
                matrix,
                options
                    .with(CommonOptions.PROFILE, "onnxruntime")
                    .with(CommonOptions.GRANULARITY, Granularity.block(2, 2))))
        .isInstanceOf(Fit.Unfit.class);
    OptionValues tensor = options.with(CommonOptions.GRANULARITY, Granularity.TENSOR);
    assertThat(scheme.needs(tensor.with(CommonOptions.SEARCH, "grid")))
        .containsExactlyInAnyOrder(Need.TENSOR_RANGE, Need.TENSOR_SAMPLE);
  }

  /** Its encoding says that zero points are floats: who stores them as codes can refuse it. */
  @Example
  void zeroPointsOfHqqAreFloats() {
    WeightMatrix matrix = Run.rows(ElementType.BFLOAT16, 4, 64);
    OptionValues options =
        OptionValues.of(4, false, Granularity.group(32))
            .with(CommonOptions.PROFILE, "torchao")
            .with(CommonOptions.SEARCH, "hqq");
    Scheme scheme = new Int4Scheme();
    assertThat(scheme.fit(matrix, options).orThrow(matrix).part(Part.ZERO_POINT))
        .isEqualTo(Part.perGroup(Part.ZERO_POINT, ElementType.FLOAT32, 32));
    EncodedTile tile =
        Run.quantize(scheme, matrix, options, Run.as(ElementType.BFLOAT16, normal(256)), 4);
    Part zero = Part.perGroup(Part.ZERO_POINT, ElementType.FLOAT32, 32);
    boolean fraction = false;
    for (float value : zero.toFloats(tile.part(Part.ZERO_POINT))) {
      fraction |= value != Math.rint(value);
    }
    assertThat(fraction).isTrue();
  }

  /** A block of few values that are no outliers, step by step in double. */
  @Property(tries = 300)
  void hqqFollowsItsFormula(@ForAll Random random, @ForAll @IntRange(min = 2, max = 8) int bits) {
    float[] numbers = new float[16];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) (random.nextGaussian() * (i == 3 ? 20 : 2));
    }
    WeightMatrix matrix = Run.rows(ElementType.FLOAT32, 1, 16);
    AffineSpec spec =
        AffineSpec.of(
            bits,
            matrix,
            OptionValues.of(bits, false, Granularity.CHANNEL)
                .with(CommonOptions.PROFILE, "torchao")
                .with(CommonOptions.SEARCH, "hqq"));
    float min = Float.MAX_VALUE;
    float max = -Float.MAX_VALUE;
    for (float number : numbers) {
      min = Math.min(min, number);
      max = Math.max(max, number);
    }
    float steps = (1 << bits) - 1;
    float inverse = Math.min(steps / (max - min), 2e4f);
    float zero = -min * inverse;
    zero = bits == 4 ? Math.round(zero) : zero;
    float best = zero;
    double least = Double.MAX_VALUE;
    for (int step = 0; step <= 20; step++) {
      double beta = 10 * Math.pow(1.01, step);
      double mean = 0;
      double errors = 0;
      for (float x : numbers) {
        double code = Math.rint(x * inverse + zero);
        code = code < 0 ? 0 : code > steps ? steps : code;
        double d = x - ((float) code - zero) / inverse;
        double shrunk = Math.max(0, Math.abs(d) - Math.pow(Math.abs(d), -0.3) / beta);
        double letOff = Math.signum(d) * (d == 0 ? 0 : shrunk);
        mean += (code - (x - letOff) * inverse) / numbers.length;
        errors += Math.abs(d);
      }
      if (errors >= least) {
        break;
      }
      least = errors;
      best = zero;
      zero = (float) mean;
    }
    AffineParameters made = HqqSearch.of(spec, numbers, 0, 16, min, max);
    assertThat(made.scale()).isEqualTo(1 / inverse);
    assertThat(made.zeroPoint() + (1 << (bits - 1))).isCloseTo(best, within(1e-3f));
  }
}

package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code search=grid} finds better scales, block by block, and only those it may take. */
class FloatSearchTest {

  private static final int ROWS = 8;
  private static final int COLS = 192;

  private static Scheme scheme(String id) {
    return switch (id) {
      case "fp8" -> new Fp8Scheme();
      case "fp8-e5m2" -> new Fp8E5m2Scheme();
      case "mxfp4" -> new Mxfp4Scheme();
      default -> new Nvfp4Scheme();
    };
  }

  private static float[] normal(ElementType type) {
    SplittableRandom random = new SplittableRandom(5);
    float[] values = new float[ROWS * COLS];
    for (int i = 0; i < values.length; i++) {
      // Some groups have a few large values.
      double gaussian = random.nextGaussian();
      values[i] = (float) (gaussian * Math.abs(gaussian) * (1 + i / COLS % 3) / 20);
    }
    return Run.as(type, values);
  }

  /** Sums of squared errors of runs of a row, of as many columns as share a scale. */
  private static double[] errors(float[] values, float[] decoded, int size) {
    double[] errors = new double[values.length / size];
    for (int i = 0; i < values.length; i++) {
      double error = (double) decoded[i] - values[i];
      errors[i / size] += error * error;
    }
    return errors;
  }

  @ParameterizedTest
  @CsvSource({
    "fp8, 192, 1.1",
    "fp8-e5m2, 192, 1.1",
    "mxfp4, 32, 1.001",
    "nvfp4, 16, 1.2",
  })
  void everyBlockIsAtLeastAsGoodAndAllTogetherBetter(String id, int size, double better) {
    Scheme scheme = scheme(id);
    WeightMatrix rows = Run.rows(ElementType.FLOAT32, ROWS, COLS);
    OptionValues plain = scheme.defaults(rows);
    OptionValues searched = plain.with(CommonOptions.SEARCH, "grid");
    float[] values = normal(ElementType.FLOAT32);
    double[] before = errors(values, decoded(scheme, rows, plain, values), size);
    double[] after = errors(values, decoded(scheme, rows, searched, values), size);
    double sumBefore = 0;
    double sumAfter = 0;
    for (int i = 0; i < before.length; i++) {
      assertThat(after[i]).isLessThanOrEqualTo(before[i] * (1 + 1e-5));
      sumBefore += before[i];
      sumAfter += after[i];
    }
    assertThat(sumBefore / sumAfter).isGreaterThan(better);
  }

  private static float[] decoded(
      Scheme scheme, WeightMatrix rows, OptionValues options, float[] values) {
    return Run.decode(scheme, rows, options, Run.quantize(scheme, rows, options, values, 4));
  }

  /** Nothing else than trying the eleven scales one by one, in doubles, over the reference. */
  @Test
  void nvfp4TakesTheBestOfItsNeighbours() {
    Scheme scheme = new Nvfp4Scheme();
    WeightMatrix rows = Run.rows(ElementType.BFLOAT16, ROWS, COLS);
    OptionValues plain = scheme.defaults(rows);
    float[] values = normal(ElementType.BFLOAT16);
    EncodedTile ofRange = Run.quantize(scheme, rows, plain, values, 4);
    EncodedTile best =
        Run.quantize(scheme, rows, plain.with(CommonOptions.SEARCH, "grid"), values, 4);
    assertThat(best.part("global_scale")).isEqualTo(ofRange.part("global_scale"));
    float global = Part.perTensor("g", ElementType.FLOAT32).toFloats(best.part("global_scale"))[0];
    ReferenceFloat reference = new ReferenceFloat(ElementType.BFLOAT16, ElementType.FLOAT4);
    ElementType e4m3 = ElementType.FLOAT8_E4M3;
    for (int group = 0; group < values.length / 16; group++) {
      int base = ofRange.part(Part.SCALE)[group];
      int expected = base;
      double least = Double.POSITIVE_INFINITY;
      for (int offset : new int[] {0, -1, -2, -3, -4, 1, 2, 3, 4, 5, 6}) {
        int code = base + offset;
        if (code < 1 || code > 126) {
          continue;
        }
        float divisor = e4m3.decode((byte) code) / global;
        double sum = 0;
        for (int i = 16 * group; i < 16 * group + 16; i++) {
          float level = ElementType.FLOAT4.decode(reference.encode4(values[i] / divisor));
          float error = level * divisor - values[i];
          sum += error * error;
        }
        if (sum < least) {
          least = sum;
          expected = code;
        }
      }
      assertThat(best.part(Part.SCALE)[group]).as("group %d", group).isEqualTo((byte) expected);
    }
  }

  @Test
  void aWholeTensorIsNotSearched() {
    Scheme scheme = new Fp8Scheme();
    WeightMatrix rows = Run.rows(ElementType.FLOAT32, ROWS, COLS);
    OptionValues options =
        scheme
            .defaults(rows)
            .with(CommonOptions.SEARCH, "grid")
            .with(CommonOptions.GRANULARITY, Granularity.TENSOR);
    assertThat(scheme.fit(rows, options))
        .isEqualTo(
            new Fit.Unfit(
                "search=grid needs a scale for each row, group or block",
                List.of(options.with(CommonOptions.GRANULARITY, Granularity.CHANNEL))));
  }

  /** Near the end of FLOAT16 a larger scale may decode to infinity, and is not taken then. */
  @Test
  void noScaleIsTakenThatIsBeyondTheType() {
    Scheme scheme = new Fp8Scheme();
    WeightMatrix rows = Run.rows(ElementType.FLOAT16, 2000, 3);
    OptionValues options = scheme.defaults(rows).with(CommonOptions.SEARCH, "grid");
    SplittableRandom random = new SplittableRandom(3);
    float[] values = new float[6000];
    for (int i = 0; i < values.length; i++) {
      double range = i % 3 == 0 ? 1500 : 45_000;
      values[i] = (float) (65_000 - range * random.nextDouble());
    }
    for (float value : decoded(scheme, rows, options, Run.as(ElementType.FLOAT16, values))) {
      assertThat(value).isFinite();
    }
  }
}

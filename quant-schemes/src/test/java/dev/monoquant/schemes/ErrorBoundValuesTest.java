package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What the declared bounds come to. The laws see to it that no error is above its bound; here a
 * bound cannot become idle unnoticed.
 */
class ErrorBoundValuesTest {

  /**
   * The bound in scales where the scale is 1/64, kept so that it changes only on purpose. The
   * simplest by hand, 8 bits in F32: half a level; 127.5 x 2^-24 for the rounding of the scale;
   * 2^-18, half a step below 128, for the decoded product; all times 1 + 2^-10: 0.5004997.
   */
  @ParameterizedTest
  @CsvSource({
    "3, F16, 0.5031765, 0.5131977",
    "3, BF16, 0.5219936, 0.6022569",
    "3, F32, 0.5004886, 0.5004898",
    "3, F64, 0.5004888, 0.5004903",
    "4, F16, 0.5061090, 0.5268848",
    "4, BF16, 0.5454540, 0.7118609",
    "4, F32, 0.5004890, 0.5004915",
    "4, F64, 0.5004894, 0.5004925",
    "8, F16, 0.5940855, 0.9374989",
    "8, BF16, 1.2492657, 4.5004692",
    "8, F32, 0.5004997, 0.5005416",
    "8, F64, 0.5005073, 0.5005569"
  })
  void boundsInScales(int bits, String type, double symmetric, double asymmetric) {
    for (boolean isSymmetric : new boolean[] {true, false}) {
      AffineSpec spec =
          AffineSpec.of(
              bits,
              Run.rows(ElementType.of(type), 2, 4),
              OptionValues.of(bits, isSymmetric, Granularity.CHANNEL));
      assertThat(AffineErrorBound.of(spec, 0x1p-6f) * 64)
          .isCloseTo(isSymmetric ? symmetric : asymmetric, within(2e-7));
    }
  }

  @Test
  void aRowIsBoundByTheGreatestOfItsOwnScales() {
    Scheme scheme = new Int8Scheme();
    WeightMatrix rows = Run.rows(ElementType.FLOAT32, 3, 6);
    float[] weight = {8, 1, 1, 1, 64, 1, 1, 1, 1, 1, 1, 1, 16, 1, 1, 1, 1, 1};
    OptionValues options = OptionValues.of(8, true, Granularity.group(2));
    EncodedTile tile = Run.quantize(scheme, rows, options, weight, 3);
    ErrorBound bound = scheme.bound(rows, options);
    double unit = bound.of(tile, 1);
    assertThat(bound.of(tile, 0) / unit).isCloseTo(64, within(1e-3));
    assertThat(bound.of(tile, 2) / unit).isCloseTo(16, within(1e-3));
    OptionValues whole = options.with(CommonOptions.GRANULARITY, Granularity.TENSOR);
    EncodedTile one = Run.quantize(scheme, rows, whole, weight, 3);
    for (int row = 0; row < 3; row++) {
      assertThat(scheme.bound(rows, whole).of(one, row)).isEqualTo(bound.of(tile, 0));
    }
  }

  /** Numbers of FLOAT64 come as floats, which are off by half a step of theirs. */
  @Test
  void aCastOfDoublesCountsTheirRoundingToFloats() {
    Scheme scheme = new BFloat16Scheme();
    float[] weight = {1.5f, -0.25f};
    double[] bounds = new double[2];
    for (int i = 0; i < 2; i++) {
      WeightMatrix rows = Run.rows(i == 0 ? ElementType.FLOAT32 : ElementType.FLOAT64, 1, 2);
      OptionValues options = scheme.defaults(rows);
      EncodedTile tile = Run.quantize(scheme, rows, options, weight, 1);
      bounds[i] = scheme.bound(rows, options).of(tile, 0);
    }
    assertThat(bounds[0]).isEqualTo(0x1p-8);
    assertThat(bounds[1] - bounds[0]).isEqualTo(0x1p-23);
  }
}

package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ValidationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.EncodedTile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CastRefusalTest {

  private static EncodedTile cast(
      Scheme scheme, ElementType type, Compute compute, float... numbers) {
    WeightMatrix rows = Run.rows(type, numbers.length / 2, 2);
    OptionValues options = scheme.defaults(rows);
    return Run.quantize(scheme, rows, options, compute, numbers, 100);
  }

  @ParameterizedTest
  @EnumSource(
      value = Compute.class,
      names = {"JVM", "TORCH"})
  void whatWouldBecomeInfiniteIsCountedAndNamed(Compute compute) {
    assertThatThrownBy(
            () ->
                cast(
                    new Float16Scheme(),
                    ElementType.FLOAT32,
                    compute,
                    new float[] {1, 65519, 2, -65520, 1e30f, 0}))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("\"layer.weight\"")
        .hasMessageContaining("2 of the 6 numbers in rows 0 to 2")
        .hasMessageContaining("the first, -65520.0, at row 1, column 1")
        .hasMessageContaining("bfloat16");
    assertThatThrownBy(
            () ->
                cast(
                    new BFloat16Scheme(),
                    ElementType.FLOAT32,
                    compute,
                    new float[] {Float.MAX_VALUE, 1}))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("at row 0, column 0");
  }

  @Test
  void aFloat16ThatNoBfloat16IsNearIsRefused() {
    EncodedTile tile = cast(new BFloat16Scheme(), ElementType.FLOAT16, Compute.JVM, 65376, -65376);
    assertThat(tile.part(CastScheme.VALUES)).containsExactly(0x7F, 0x47, 0x7F, 0xC7);
    assertThatThrownBy(
            () -> cast(new BFloat16Scheme(), ElementType.FLOAT16, Compute.JVM, 65408, -65504))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("2 of the 2 numbers")
        .hasMessageContaining("from F16 to BF16");
  }

  @Test
  void castToTheSameTypeIsACopyWithoutError() {
    WeightMatrix rows = Run.rows(ElementType.FLOAT16, 1, 3);
    Scheme scheme = new Float16Scheme();
    OptionValues options = scheme.defaults(rows);
    float[] numbers = {65504, -0f, 0x1p-24f};
    EncodedTile tile = Run.quantize(scheme, rows, options, numbers, 1);
    assertThat(Run.decode(scheme, rows, options, tile)).isEqualTo(numbers);
    assertThat(scheme.bound(rows, options).of(tile, 0)).isZero();
  }

  @Test
  void boundIsHalfAStepAtTheGreatestNumberOfTheRow() {
    WeightMatrix rows = Run.rows(ElementType.FLOAT32, 2, 2);
    Scheme scheme = new Float16Scheme();
    OptionValues options = scheme.defaults(rows);
    EncodedTile tile =
        Run.quantize(scheme, rows, options, new float[] {-1.5f, 0.1f, 0x1p-20f, 0}, 2);
    assertThat(scheme.bound(rows, options).of(tile, 0)).isEqualTo(0x1p-11);
    assertThat(scheme.bound(rows, options).of(tile, 1)).isEqualTo(0x1p-25);
  }

  @Test
  void otherBitsAndIntegersAreRefused() {
    Scheme scheme = new BFloat16Scheme();
    WeightMatrix rows = Run.rows(ElementType.FLOAT32, 2, 2);
    assertThat(scheme.options()).extracting(OptionSpec::toString).contains("bits (16, default 16)");
    assertThat(scheme.fit(rows, scheme.defaults(rows))).isInstanceOf(Fit.Fits.class);
    WeightMatrix integers = Run.rows(ElementType.INT32, 2, 2);
    assertThat(scheme.fit(integers, scheme.defaults(integers)))
        .isInstanceOfSatisfying(
            Fit.Unfit.class, unfit -> assertThat(unfit.reason()).contains("it is I32"));
  }
}

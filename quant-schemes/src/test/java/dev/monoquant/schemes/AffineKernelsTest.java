package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.BoundKernels;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The roundings without branches, for every number they can meet. */
class AffineKernelsTest {

  /** All significands of a precision, in [1, 2). */
  private static float[] significands(Precision precision) {
    int count = 1 << (precision.digits() - 1);
    float[] all = new float[count];
    for (int i = 0; i < count; i++) {
      all[i] = 1 + (float) i / count;
    }
    return all;
  }

  private static float scalb(float value, int exponent) {
    return Math.scalb(value, exponent);
  }

  private static byte reference(Precision precision, float x, float scale, float zero) {
    float level = precision.round(precision.round(x / scale) + zero);
    return (byte) Math.rint(Math.min(Math.max(level, -128), 127));
  }

  @ParameterizedTest
  @EnumSource(value = Precision.class, names = "FLOAT32", mode = EnumSource.Mode.EXCLUDE)
  void everyQuotientOfTwoNumbersBecomesItsCode(Precision precision) {
    float[] significands = significands(precision);
    int n = significands.length;
    float[] v = new float[n];
    float[] scale = new float[n];
    byte[] codes = new byte[n];
    byte[] expected = new byte[n];
    for (int exponent = -3; exponent <= 8; exponent++) {
      for (float s : significands) {
        for (int i = 0; i < n; i++) {
          v[i] = scalb(significands[i], exponent) * (i % 2 == 0 ? 1 : -1);
          scale[i] = s;
          expected[i] = reference(precision, v[i], s, 0);
        }
        AffineKernels.levels(v, scale, n, -128, 127, precision.step());
        BoundKernels.JVM.lowBytes(v, n, codes, 0);
        assertThat(codes).isEqualTo(expected);
      }
    }
  }

  /** With a scale of 1 a quotient is any number of the precision; then any zero point is added. */
  @ParameterizedTest
  @EnumSource(value = Precision.class, names = "FLOAT32", mode = EnumSource.Mode.EXCLUDE)
  void everySumWithAZeroPointBecomesItsCode(Precision precision) {
    List<Float> numbers = new ArrayList<>(List.of(0f, -0f));
    for (int exponent = -14; exponent <= 8; exponent++) {
      for (float significand : significands(precision)) {
        numbers.add(scalb(significand, exponent));
        numbers.add(-scalb(significand, exponent));
      }
    }
    int n = numbers.size();
    float[] v = new float[n];
    float[] scale = new float[n];
    float[] zero = new float[n];
    byte[] codes = new byte[n];
    byte[] expected = new byte[n];
    for (int zeroPoint = -128; zeroPoint < 128; zeroPoint++) {
      for (int i = 0; i < n; i++) {
        v[i] = numbers.get(i);
        scale[i] = 1;
        zero[i] = zeroPoint;
        expected[i] = reference(precision, v[i], 1, zeroPoint);
      }
      AffineKernels.levels(v, scale, zero, n, -128, 127, precision.step());
      BoundKernels.JVM.lowBytes(v, n, codes, 0);
      assertThat(codes).isEqualTo(expected);
    }
  }
}

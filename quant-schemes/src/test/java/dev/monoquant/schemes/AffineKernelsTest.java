package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
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
        AffineKernels.codes(v, n, codes, 0);
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
      AffineKernels.codes(v, n, codes, 0);
      assertThat(codes).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource(value = Precision.class, names = "FLOAT32", mode = EnumSource.Mode.EXCLUDE)
  void everyProductOfALevelAndAScaleIsRounded(Precision precision) {
    int n = 511;
    float[] v = new float[n];
    float[] scale = new float[n];
    float[] zero = new float[n];
    float[] expected = new float[n];
    for (float significand : significands(precision)) {
      for (int exponent : new int[] {-14, -13, -5, 0, 1, 6}) {
        float s = scalb(significand, exponent);
        assertThat(precision.isComfortable(s)).isTrue();
        for (int i = 0; i < n; i++) {
          int level = i - 255;
          int zeroPoint = level / 2;
          zero[i] = -zeroPoint;
          v[i] = level + zero[i];
          scale[i] = s;
          expected[i] = precision.round(level * s);
        }
        AffineKernels.products(v, scale, zero, n, precision.step());
        assertThat(v).isEqualTo(expected);
      }
    }
  }

  @Test
  void theEndsOfWhatIsComfortable() {
    for (Precision precision : List.of(Precision.FLOAT16, Precision.BFLOAT16)) {
      float least = precision == Precision.FLOAT16 ? 0x1p-14f : 0x1p-100f;
      float most = precision == Precision.FLOAT16 ? 0x1p7f : 0x1p100f;
      assertThat(precision.isComfortable(Math.nextDown(least))).isFalse();
      assertThat(precision.isComfortable(Math.nextUp(most))).isFalse();
      for (float s : new float[] {least, most}) {
        assertThat(precision.isComfortable(s)).isTrue();
        for (int level = -255; level < 256; level++) {
          float[] v = {level};
          AffineKernels.products(v, new float[] {s}, new float[1], 1, precision.step());
          assertThat(v[0]).isEqualTo(Float.valueOf(precision.round(level * s)));
        }
      }
    }
  }
}

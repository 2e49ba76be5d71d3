package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The loops against the plain conversion of one number, for every float where it matters. */
class FloatCodeTest {

  private static final int PIECE = 1 << 12;

  /** Every float of two binades, and many from far below the least value to above the greatest. */
  @ParameterizedTest
  @EnumSource(FloatCode.class)
  void everyFloatGetsTheCodeOfTheNearestValue(FloatCode code) {
    expect(code, 1, 4, 1);
    expect(code, code.type().decode((byte) 1) / 256, code.max() * 4, 101);
  }

  private static void expect(FloatCode code, float from, float end, int stride) {
    int last = Float.floatToRawIntBits(end);
    for (int bits = Float.floatToRawIntBits(from); bits < last; bits += stride * PIECE) {
      float[] values = new float[PIECE];
      for (int i = 0; i < PIECE; i++) {
        float value = Float.intBitsToFloat(bits + i * stride);
        values[i] = i % 2 == 0 ? value : -value;
      }
      expect(code, values);
    }
  }

  @ParameterizedTest
  @EnumSource(FloatCode.class)
  void tiesAndTheirNeighboursAreThere(FloatCode code) {
    int top = code.type().encode(code.max());
    float[] values = new float[6 * top];
    for (int i = 0; i < top; i++) {
      float low = code.type().decode((byte) i);
      float middle = (low + code.type().decode((byte) (i + 1))) / 2;
      float[] around = {middle, Math.nextUp(middle), Math.nextDown(middle)};
      for (int k = 0; k < 3; k++) {
        values[6 * i + k] = around[k];
        values[6 * i + 3 + k] = -around[k];
      }
    }
    expect(code, values);
  }

  @ParameterizedTest
  @EnumSource(FloatCode.class)
  void zerosAndSubnormalFloats(FloatCode code) {
    float[] values = {
      0f, -0f, Float.MIN_VALUE, -Float.MIN_VALUE, 0x1p-127f, -0x1.fp-127f, Float.MIN_NORMAL, 1e30f
    };
    expect(code, values);
  }

  private static void expect(FloatCode code, float[] values) {
    byte[] codes = new byte[values.length];
    code.encode(values, values.clone(), values.length, codes, 0);
    for (int i = 0; i < values.length; i++) {
      float value = code == FloatCode.E2M1 ? values[i] + 0f : values[i];
      if (codes[i] != code.type().encode(clamp(value, code.max()))) {
        assertThat(codes[i]).as("%s %a", code, values[i]).isEqualTo(code.type().encode(value));
      }
    }
  }

  /** Every number of 11 digits of either sign, from below the least to above the greatest. */
  @Test
  void shortQuotientsGetTheSameCodes() {
    for (FloatCode code : new FloatCode[] {FloatCode.E4M3, FloatCode.E5M2}) {
      int from = Float.floatToRawIntBits(code.type().decode((byte) 1) / 256) >> 13;
      int end = Float.floatToRawIntBits(code.max() * 4) >> 13;
      float[] values = new float[2 * (end - from)];
      for (int i = 0; i < values.length; i++) {
        float value = Float.intBitsToFloat((from + i / 2) << 13);
        values[i] = i % 2 == 0 ? value : -value;
      }
      byte[] expected = new byte[values.length];
      code.encode(values, values.clone(), values.length, expected, 0);
      byte[] codes = new byte[values.length];
      code.encodeShort(values, values.clone(), values.length, codes, 0);
      assertThat(codes).isEqualTo(expected);
    }
  }

  private static float clamp(float value, float max) {
    return value > max ? max : value < -max ? -max : value;
  }

  /** From below the least subnormal half to the greatest, by a stride that meets all low bits. */
  @Test
  void roundsToTheDigitsOfATypeOf16Bits() {
    for (Precision precision : new Precision[] {Precision.FLOAT16, Precision.BFLOAT16}) {
      ElementType type = precision.type();
      int from = Float.floatToRawIntBits(type == ElementType.FLOAT16 ? 0x1p-27f : 0);
      int end = Float.floatToRawIntBits(Math.min(type.maxValue(), 0x1p100f));
      int stride = type == ElementType.FLOAT16 ? 61 : 499;
      for (int bits = from; bits < end; bits += stride * PIECE) {
        float[] values = new float[PIECE];
        float[] rounded = new float[PIECE];
        for (int i = 0; i < PIECE; i++) {
          float value = Float.intBitsToFloat(Math.min(end, bits + i * stride));
          values[i] = i % 3 == 0 ? -value : value;
          rounded[i] = values[i];
        }
        FloatCode.round(rounded, PIECE, precision);
        for (int i = 0; i < PIECE; i++) {
          if (rounded[i] != precision.round(values[i])) {
            assertThat(rounded[i]).as("%a", values[i]).isEqualTo(precision.round(values[i]));
          }
        }
      }
    }
  }
}

package dev.monoquant.spi;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;

/**
 * Loops over the products of codes and scales, which the JIT compiler of JDK 17 vectorizes: arrays
 * from index 0 on, and floats alone.
 */
final class ProductRounding {

  private ProductRounding() {}

  /**
   * code * scale, rounded to a type of 16 bits, ties to even, without branches: with u the power of
   * two at or below the magnitude m of the product (Rump, Ogita and Oishi, "Accurate floating-point
   * summation I", 2008, algorithm 3.5), and not below the least normal value of the type, c = 1.5 *
   * 2^(24 - digits) * u has its last digit where m is to be rounded. The sign comes last, since
   * that of a zero gets lost.
   */
  static void roundedProducts(float[] v, float[] scale, float[] sign, int count, ElementType type) {
    float shift = 1.5f * step(type);
    float least = type == ElementType.FLOAT16 ? Float16.MIN_NORMAL : Float.MIN_NORMAL;
    for (int i = 0; i < count; i++) {
      float m = Math.abs(v[i]) * scale[i];
      float q = m * 0x1.000002p23f;
      float c = Math.max(q - q * 0x1.fffffep-1f, least) * shift;
      v[i] = ((m + c) - c) * sign[i];
    }
  }

  /** (code - zero point) * scale. */
  static void products(float[] v, float[] scale, float[] zero, int count) {
    for (int i = 0; i < count; i++) {
      v[i] = (v[i] - zero[i]) * scale[i];
    }
  }

  /**
   * (code - zero point) * scale, rounded to a type of {@code 24 - log2(step)} digits, ties to even,
   * without branches: with g = v * step, exact, v + g has its last digit where the digit to round
   * to is, and g has zeros there, so that even stays even; subtracting g is exact. Only if v is
   * within a few float32 steps below a power of two does the sum reach the next binade and lose a
   * digit; a product of a level of 9 bits and a scale with the digits of the type has too few
   * digits to be there. Checked for every such product by a test.
   */
  static void roundedProducts(float[] v, float[] scale, float[] zero, int count, float step) {
    for (int i = 0; i < count; i++) {
      float product = (v[i] - zero[i]) * scale[i];
      float shifted = product * step;
      v[i] = (product + shifted) - shifted;
    }
  }

  /** Two to the power of the number of digits that float32 has more than a type. */
  static float step(ElementType type) {
    return type == ElementType.FLOAT16 ? 0x1p13f : 0x1p16f;
  }

  /** Whether products of a scale with any level of 9 bits are 0 or normal values of a type. */
  static boolean isComfortable(ElementType type, float scale) {
    return type == ElementType.FLOAT16
        ? scale >= Float16.MIN_NORMAL && scale <= 0x1p7f
        : scale >= 0x1p-100f && scale <= 0x1p100f;
  }
}

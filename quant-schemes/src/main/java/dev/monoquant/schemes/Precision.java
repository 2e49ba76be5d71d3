package dev.monoquant.schemes;

import dev.monoquant.model.BFloat16;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;

/**
 * The type of the computation for a weight: its own type, but FLOAT32 for FLOAT64.
 *
 * <p>Torch on a CPU computes an operation on float16 or bfloat16 in float32 and rounds its result;
 * {@link #round} is that second step.
 */
enum Precision {
  FLOAT32(ElementType.FLOAT32, 24, -126) {
    @Override
    float round(float value) {
      return value;
    }
  },
  FLOAT16(ElementType.FLOAT16, 11, -14) {
    @Override
    float round(float value) {
      return Float16.round(value);
    }
  },
  BFLOAT16(ElementType.BFLOAT16, 8, -126) {
    @Override
    float round(float value) {
      return BFloat16.round(value);
    }
  };

  private final ElementType type;
  private final int digits;
  private final int minExponent;

  Precision(ElementType type, int digits, int minExponent) {
    this.type = type;
    this.digits = digits;
    this.minExponent = minExponent;
  }

  /** The precision of weights of a quantizable type. */
  static Precision of(ElementType source) {
    return switch (source) {
      case FLOAT16 -> FLOAT16;
      case BFLOAT16 -> BFLOAT16;
      default -> FLOAT32;
    };
  }

  /** The nearest value of this precision, ties to even; infinite beyond its range. */
  abstract float round(float value);

  /** The type of scales. */
  ElementType type() {
    return type;
  }

  /** Bits of the significand, the leading one included. */
  int digits() {
    return digits;
  }

  /** The exponent of the smallest normal value. */
  int minExponent() {
    return minExponent;
  }

  /** The distance from 1 to the next larger value. */
  float epsilon() {
    return (float) Math.scalb(1.0, 1 - digits);
  }

  /** The smallest positive value with all digits. */
  float minNormal() {
    return (float) Math.scalb(1.0, minExponent);
  }

  /** Two to the power of the number of digits that float32 has more; 1 for FLOAT32. */
  float step() {
    return 1 << (24 - digits);
  }

  /** Half the distance between values of this precision just below a magnitude. */
  double halfStep(double magnitude) {
    int exponent = Math.max(minExponent, Math.getExponent(Math.nextDown(Math.abs(magnitude))));
    return Math.scalb(1.0, exponent - digits);
  }

  /** An upper bound of {@link #halfStep} at a magnitude that grows smoothly with it. */
  double relativeHalfStep(double magnitude) {
    return Math.max(Math.scalb(magnitude, -digits), Math.scalb(1.0, minExponent - digits));
  }
}

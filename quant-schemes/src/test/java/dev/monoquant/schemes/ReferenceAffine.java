package dev.monoquant.schemes;

import dev.monoquant.model.BFloat16;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;

/**
 * The formulas of compressed-tensors for one block, one operation a line, each rounded to the type
 * of the weight. Slow and plain, to compare everything else with.
 */
final class ReferenceAffine {

  private final ElementType type;
  private final int bits;
  private final boolean symmetric;

  /** Outcome. */
  float scale;

  /** Outcome. */
  int zeroPoint;

  ReferenceAffine(ElementType type, int bits, boolean symmetric) {
    this.type = type;
    this.bits = bits;
    this.symmetric = symmetric;
  }

  private float round(float value) {
    return switch (type) {
      case FLOAT16 -> Float16.round(value);
      case BFLOAT16 -> BFloat16.round(value);
      default -> value;
    };
  }

  private float epsilon() {
    return switch (type) {
      case FLOAT16 -> 0x1p-10f;
      case BFLOAT16 -> 0x1p-7f;
      default -> 0x1p-23f;
    };
  }

  private float clamp(float value) {
    float min = (float) -Math.pow(2, bits - 1);
    float max = (float) Math.pow(2, bits - 1) - 1;
    // Not by min and max, which may be what is tested: NaN stays NaN.
    return value < min ? min : value > max ? max : value;
  }

  void choose(float[] numbers) {
    float low = 0;
    float high = 0;
    for (float number : numbers) {
      low = number < low ? number : low;
      high = number > high ? number : high;
    }
    float steps = (float) Math.pow(2, bits) - 1;
    if (symmetric) {
      float greatest = high > -low ? high : -low;
      scale = round(greatest / (steps / 2));
      zeroPoint = 0;
    } else {
      float range = round(high - low);
      scale = round(range / steps);
      float lowLevel = round(low / scale);
      float minCode = (float) -Math.pow(2, bits - 1);
      float difference = round(minCode - lowLevel);
      float clamped = clamp(difference);
      zeroPoint = Float.isNaN(clamped) ? 0 : (int) Math.rint(clamped);
    }
    if (scale == 0) {
      scale = epsilon();
    }
  }

  byte encode(float number) {
    float quotient = round(number / scale);
    float level = round(quotient + zeroPoint);
    float clamped = clamp(level);
    double rounded = Math.rint(clamped);
    return (byte) rounded;
  }

  float decode(byte code) {
    float level = round((float) code - (float) zeroPoint);
    return round(level * scale);
  }
}

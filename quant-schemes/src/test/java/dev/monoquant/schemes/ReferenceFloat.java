package dev.monoquant.schemes;

import dev.monoquant.model.BFloat16;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import java.math.BigDecimal;
import java.util.List;

/**
 * The formulas of compressed-tensors for one block of floating point codes, one operation a line.
 * Slow and plain, to compare everything else with: the nearest code is the one whose value is
 * nearest, found by looking at all of them.
 */
final class ReferenceFloat {

  private final ElementType type;
  private final ElementType code;

  ReferenceFloat(ElementType type, ElementType code) {
    this.type = type;
    this.code = code;
  }

  float round(float value) {
    return switch (type) {
      case FLOAT16 -> Float16.round(value);
      case BFLOAT16 -> BFloat16.round(value);
      default -> value;
    };
  }

  float epsilon() {
    return switch (type) {
      case FLOAT16 -> 0x1p-10f;
      case BFLOAT16 -> 0x1p-7f;
      default -> 0x1p-23f;
    };
  }

  static float greatest(List<Float> values) {
    float greatest = 0;
    for (float value : values) {
      float magnitude = value < 0 ? -value : value;
      greatest = magnitude > greatest ? magnitude : greatest;
    }
    return greatest;
  }

  /** The scale of {@code fp8}. */
  float scale(float greatest) {
    float scale = round(greatest / code.maxValue());
    return scale == 0 ? epsilon() : scale;
  }

  /** The nearest code; of two as near the one with an even last digit. */
  static int nearest(ElementType code, float magnitude) {
    int best = 0;
    BigDecimal least = null;
    for (int i = 0; i <= 127 >> (8 - code.bits()); i++) {
      float level = code.decode((byte) i);
      if (Float.isFinite(level)) {
        BigDecimal away = new BigDecimal(level).subtract(new BigDecimal(magnitude)).abs();
        int compared = least == null ? -1 : away.compareTo(least);
        if (compared < 0 || (compared == 0 && i % 2 == 0)) {
          best = i;
          least = away;
        }
      }
    }
    return best;
  }

  /** A code of 8 bits, which keeps the sign of zero. */
  byte encode8(float value, float scale) {
    float quotient = round(value / scale);
    boolean negative = Float.floatToRawIntBits(value) < 0;
    int magnitude = nearest(code, Math.min(Math.abs(quotient), code.maxValue()));
    return (byte) (negative ? magnitude | 0x80 : magnitude);
  }

  float decode(byte cell, float scale) {
    return round(code.decode(cell) * scale);
  }
}

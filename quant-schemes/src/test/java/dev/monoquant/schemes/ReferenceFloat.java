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

  /** The scale of the MX formats, {@code offset} the exponent of the largest code. */
  float scaleMx(float greatest, int offset) {
    int digits = type == ElementType.FLOAT16 ? 11 : type == ElementType.BFLOAT16 ? 8 : 24;
    int least = type == ElementType.FLOAT16 ? -14 : -126;
    // As the bits of the type would have it: an exponent field and a fraction below it.
    int exponent = greatest == 0 ? least : Math.max(least, Math.getExponent(greatest));
    double fraction = greatest / Math.pow(2, exponent) - 1;
    double field = exponent - least + 1;
    if (fraction < 0) {
      field = 0;
      fraction += 1;
    }
    // A quarter is added to the fraction, and the carry goes to the field.
    field += Math.floor(fraction + 0.25);
    int ofByte = field == 0 ? 0 : (int) Math.max(0, 127 + field + least - 1 - offset);
    if (field > 2 - 2.0 * least && digits > 0) {
      return Float.POSITIVE_INFINITY;
    }
    float scale = round((float) Math.pow(2, ofByte - 127));
    return scale == 0 ? 1 : scale;
  }

  /** The scale of the whole weight of {@code nvfp4}. */
  float global(float greatest) {
    float tiny = type == ElementType.FLOAT16 ? 0x1p-14f : 0x1p-126f;
    // A number divided by a tensor is its reciprocal times the number, in torch.
    float reciprocal = round(1 / (greatest < tiny ? tiny : greatest));
    float scale = round(reciprocal * 2688f);
    return Float.isInfinite(scale) ? 1 : scale;
  }

  /** The scale of a group of {@code nvfp4}. */
  float scaleNv(float greatest, float global) {
    float local = round(greatest / 6f);
    float product = global * local;
    float clamped = product > 448 ? 448 : product;
    float scale = ElementType.FLOAT8_E4M3.decode((byte) nearest(ElementType.FLOAT8_E4M3, clamped));
    return scale == 0 ? 0.125f : scale;
  }

  /** A code of 4 bits; only what is below zero has the sign. */
  byte encode4(float quotient) {
    int magnitude = nearest(code, Math.min(Math.abs(quotient), code.maxValue()));
    return (byte) (quotient < 0 ? magnitude | 8 : magnitude);
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

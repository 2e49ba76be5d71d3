package dev.monoquant.schemes;

import dev.monoquant.model.BFloat16;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;

/**
 * The formulas of the other libraries for one block, one operation a line, to compare everything
 * else with. {@link ReferenceAffine} has those of compressed-tensors.
 */
final class ReferenceProfiles {

  private final ElementType type;
  private final String profile;
  private final int bits;
  private final boolean symmetric;

  /** Outcome. */
  float scale;

  /** Outcome. */
  int zeroPoint;

  ReferenceProfiles(ElementType type, String profile, int bits, boolean symmetric) {
    this.type = type;
    this.profile = profile;
    this.bits = bits;
    this.symmetric = symmetric;
  }

  /** The type of scales. */
  static ElementType scaleType(ElementType type, String profile, int bits) {
    return profile.equals("torchao") && bits == 8 ? ElementType.FLOAT32 : type;
  }

  private float round(float value) {
    return switch (type) {
      case FLOAT16 -> Float16.round(value);
      case BFLOAT16 -> BFloat16.round(value);
      default -> value;
    };
  }

  /** Rounds what is computed with a scale. */
  private float roundLevel(float value) {
    return scaleType(type, profile, bits) == ElementType.FLOAT32 ? value : round(value);
  }

  private int least() {
    return -(1 << (bits - 1));
  }

  private int steps() {
    return (1 << bits) - 1;
  }

  private double clamp(double value, double min, double max) {
    return value < min ? min : value > max ? max : value;
  }

  /** False if the profile would lose the values. */
  boolean choose(float[] numbers) {
    float min = numbers[0];
    float max = numbers[0];
    float first = numbers[0];
    for (float number : numbers) {
      min = number < min ? number : min;
      max = number > max ? number : max;
    }
    float low = min < 0 ? min : 0;
    float high = max > 0 ? max : 0;
    switch (profile) {
      case "torchao" -> {
        float floor = bits == 8 ? 0x1p-23f : type == ElementType.FLOAT16 ? 0x1p-14f : 0x1p-126f;
        if (symmetric) {
          float greatest = high >= -low ? high : -low;
          scale = round(greatest / (steps() / 2f));
          scale = scale < floor ? floor : scale;
        } else {
          float range = round(high - low);
          scale = round(range / steps());
          scale = scale < floor ? floor : scale;
          float quotient = round(low / scale);
          float difference = round(least() - (float) Math.rint(quotient));
          zeroPoint = (int) clamp(difference, least(), -least() - 1);
        }
      }
      case "quanto" -> {
        if (symmetric) {
          float greatest = high >= -low ? high : -low;
          scale = round(greatest / (-least() - 1));
        } else {
          float range = round(max - min);
          scale = round(range / steps());
          float quotient = round(-min / scale);
          double shift = Float.isNaN(quotient) ? 0 : Math.rint(quotient);
          if (shift < 0 || shift > steps()) {
            return false;
          }
          zeroPoint = (int) shift + least();
        }
      }
      default -> {
        if (symmetric) {
          float far = Math.abs(max) > Math.abs(min) ? max : min;
          far = far == 0 ? first : far;
          scale = round(-far / -least());
        } else {
          float exact = (high - low) / steps();
          float zero = exact != 0 ? 0f - low / exact : low;
          zeroPoint = (int) clamp(Math.floor((double) zero + 0.5), 0, steps()) + least();
          scale = round(exact);
        }
      }
    }
    return true;
  }

  byte encode(float number) {
    switch (profile) {
      case "torchao" -> {
        float inverse = roundLevel(1 / scale);
        float product = roundLevel(number * inverse);
        return (byte) clamp(Math.rint(product) + zeroPoint, least(), -least() - 1);
      }
      case "quanto" -> {
        float quotient = round(number / scale);
        double level = Float.isNaN(quotient) ? 0 : Math.rint(quotient);
        return (byte) clamp(level + zeroPoint, least(), -least() - 1);
      }
      default -> {
        float inverse = scale == 0 ? 0 : 1 / scale;
        float product = number * inverse;
        float level = product + (zeroPoint - least());
        if (Float.isNaN(level)) {
          return (byte) least();
        }
        double away =
            level < 0 ? -Math.floor(-(double) level + 0.5) : Math.floor((double) level + 0.5);
        return (byte) (clamp(away, 0, steps()) + least());
      }
    }
  }

  float decode(byte code) {
    return round((code - zeroPoint) * scale);
  }
}

package dev.monoquant.schemes;

import dev.monoquant.ConfigurationException;
import dev.monoquant.spi.CommonOptions;
import java.util.Arrays;

/**
 * The libraries whose integer codes are made, bit for bit. {@link IntegerScheme} has the formulas;
 * here is their arithmetic: which operation is rounded to what.
 *
 * <p>In all of them T is the type of the computation for a weight ({@link Precision}), N is the
 * number of steps between the smallest code and the largest, and rint goes to the nearest integer,
 * ties to even.
 */
enum Profile {

  /** Every operation is rounded to T; {@link AffineParameters} and {@link AffineKernels}. */
  COMPRESSED_TENSORS(CommonOptions.COMPRESSED_TENSORS) {
    @Override
    AffineParameters parameters(AffineSpec spec, float min, float max, float first) {
      float low = Math.min(min, 0f);
      float high = Math.max(max, 0f);
      Precision t = spec.precision();
      if (spec.symmetric()) {
        float scale = t.round(Math.max(-low, high) / (spec.codeRange() / 2));
        return new AffineParameters(scale == 0 ? t.epsilon() : scale, 0);
      }
      float scale = t.round(t.round(high - low) / spec.codeRange());
      // For a block of zeros, 0/0 is NaN, and its cast to an integer is 0, in compressed-tensors
      // and in Java.
      float code = t.round(spec.minCode() - t.round(low / scale));
      float zero = (int) Math.rint(spec.clamp(code));
      return new AffineParameters(scale == 0 ? t.epsilon() : scale, zero);
    }

    @Override
    void levels(AffineSpec spec, float[] v, float[] scale, float[] zero, int count) {
      float least = spec.minCode();
      float most = spec.maxCode();
      float step = spec.precision().step();
      if (spec.precision() == Precision.FLOAT32) {
        if (spec.symmetric()) {
          AffineKernels.levels(v, scale, count, least, most);
        } else {
          AffineKernels.levels(v, scale, zero, count, least, most);
        }
      } else if (spec.symmetric()) {
        AffineKernels.levels(v, scale, count, least, most, step);
      } else {
        AffineKernels.levels(v, scale, zero, count, least, most, step);
      }
    }
  },

  /**
   * A scale of at least 2^-23 (8 bits) or the smallest normal value of T; values are multiplied by
   * 1 / scale, rounded to T. With 8 bits scales are FLOAT32 that hold values of T, and what is
   * computed with them is FLOAT32.
   */
  TORCHAO("torchao") {
    @Override
    AffineParameters parameters(AffineSpec spec, float min, float max, float first) {
      float low = Math.min(min, 0f);
      float high = Math.max(max, 0f);
      Precision t = spec.precision();
      float least = spec.bits() == 8 ? 0x1p-23f : t.minNormal();
      if (spec.symmetric()) {
        float scale = t.round(Math.max(-low, high) / (spec.codeRange() / 2));
        return new AffineParameters(Math.max(scale, least), 0);
      }
      float scale = Math.max(t.round(t.round(high - low) / spec.codeRange()), least);
      float code = t.round(spec.minCode() - (float) Math.rint(t.round(low / scale)));
      return new AffineParameters(scale, spec.clamp(code));
    }

    @Override
    void levels(AffineSpec spec, float[] v, float[] scale, float[] zero, int count) {
      Precision t = spec.levelPrecision();
      float least = spec.minCode();
      float most = spec.maxCode();
      if (t == Precision.FLOAT32) {
        for (int i = 0; i < count; i++) {
          float level = v[i] * (1 / scale[i]) + AffineKernels.MAGIC - AffineKernels.MAGIC + zero[i];
          v[i] = Math.min(Math.max(level, least), most) + AffineKernels.MAGIC;
        }
        return;
      }
      for (int i = 0; i < count; i++) {
        float level = t.round(v[i] * t.round(1 / scale[i]));
        float code = level + AffineKernels.MAGIC - AffineKernels.MAGIC + zero[i];
        v[i] = Math.min(Math.max(code, least), most) + AffineKernels.MAGIC;
      }
    }
  },

  /** Every operation is rounded to T; a scale may be 0. */
  QUANTO("quanto") {
    @Override
    AffineParameters parameters(AffineSpec spec, float min, float max, float first) {
      Precision t = spec.precision();
      if (spec.symmetric()) {
        return new AffineParameters(t.round(Math.max(-min, max) / spec.maxCode()), 0);
      }
      float scale = t.round(t.round(max - min) / spec.codeRange());
      // The library clamps it, and then every value of a block without zero is off by the distance
      // from zero: such a zero point is refused. 0/0 is cast to 0.
      int zero = (int) Math.rint(t.round(-min / scale));
      return new AffineParameters(scale, zero + (float) spec.minCode());
    }

    @Override
    void levels(AffineSpec spec, float[] v, float[] scale, float[] zero, int count) {
      Precision t = spec.precision();
      float least = spec.minCode();
      float most = spec.maxCode();
      for (int i = 0; i < count; i++) {
        float level = (float) Math.rint(t.round(v[i] / scale[i]));
        // 0/0, which the library casts to 0.
        float code = (Float.isNaN(level) ? 0 : level) + zero[i];
        v[i] = Math.min(Math.max(code, least), most) + AffineKernels.MAGIC;
      }
    }
  },

  /**
   * Everything is FLOAT32, only the scale is rounded to T; ties go away from zero. A symmetric
   * scale has the sign that maps the value of the largest magnitude to qmin; a scale of 0 has a
   * reciprocal of 0.
   */
  ONNXRUNTIME("onnxruntime") {
    @Override
    AffineParameters parameters(AffineSpec spec, float min, float max, float first) {
      float low = Math.min(min, 0f);
      float high = Math.max(max, 0f);
      Precision t = spec.precision();
      if (spec.symmetric()) {
        // Of a block of zeros the first decides about the sign of its scale.
        float far = high > -low ? high : low == 0 ? first : low;
        return new AffineParameters(t.round(-far / -spec.minCode()), 0);
      }
      float scale = (high - low) / spec.codeRange();
      float zero = scale == 0 ? low : 0f - low / scale;
      double code = Math.min(Math.floor(Math.max(zero, 0) + 0.5), spec.codeRange());
      return new AffineParameters(t.round(scale), (int) code + spec.minCode());
    }

    @Override
    void levels(AffineSpec spec, float[] v, float[] scale, float[] zero, int count) {
      float offset = spec.minCode();
      float steps = spec.codeRange();
      for (int i = 0; i < count; i++) {
        float reciprocal = scale[i] == 0 ? 0 : 1 / scale[i];
        float level = v[i] * reciprocal + (zero[i] - offset);
        // Also for a zero times an infinite reciprocal, which is not a number.
        float clamped = level > 0 ? Math.min(level, steps) : 0;
        float even = clamped + AffineKernels.MAGIC - AffineKernels.MAGIC;
        float away = clamped - even == 0.5f ? even + 1 : even;
        v[i] = away + offset + AffineKernels.MAGIC;
      }
    }
  };

  private final String wire;

  Profile(String wire) {
    this.wire = wire;
  }

  /** The value of the option. */
  String wire() {
    return wire;
  }

  static Profile of(String wire) {
    return Arrays.stream(values())
        .filter(profile -> profile.wire.equals(wire))
        .findFirst()
        .orElseThrow(() -> new ConfigurationException("no profile " + wire));
  }

  /**
   * The scale and zero point of a block; the scale may be infinite, and the zero point beyond the
   * codes.
   *
   * @param min the smallest value of the block
   * @param max the largest value of the block
   * @param first the first value of the block
   */
  abstract AffineParameters parameters(AffineSpec spec, float min, float max, float first);

  /**
   * Converts values to levels, see {@link AffineKernels}: integers in the range of the codes, plus
   * {@link AffineKernels#MAGIC}.
   *
   * @param zero zero points; all 0 if symmetric
   */
  abstract void levels(AffineSpec spec, float[] v, float[] scale, float[] zero, int count);
}

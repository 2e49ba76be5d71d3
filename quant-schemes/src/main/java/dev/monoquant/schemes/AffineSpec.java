package dev.monoquant.schemes;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The parameters of an integer scheme for one weight.
 *
 * @param tensor the weight's name, quoted for messages
 * @param source the weight's own type
 * @param precision the type of the computation
 * @param bits bits of a code
 * @param symmetric whether there are no zero points
 * @param granularity how many values share a scale
 * @param profile whose formulas are followed
 * @param search how scales are searched for
 * @param cols columns of the weight
 */
record AffineSpec(
    String tensor,
    ElementType source,
    Precision precision,
    int bits,
    boolean symmetric,
    Granularity granularity,
    Profile profile,
    Search search,
    long cols) {

  static AffineSpec of(int bits, WeightMatrix matrix, OptionValues options) {
    String name = QuantException.quote(matrix.tensor().name());
    ElementType type = matrix.tensor().type();
    return new AffineSpec(
        name,
        type,
        Precision.of(type),
        bits,
        options.symmetric(),
        options.granularity(),
        Profile.of(options.profile()),
        Search.of(options.get(CommonOptions.SEARCH)),
        matrix.columnCount());
  }

  /** The same for a sample of the tensor, which is taken for a single row. */
  AffineSpec ofSample(int size) {
    return new AffineSpec(
        tensor, source, precision, bits, symmetric, Granularity.CHANNEL, profile, search, size);
  }

  ElementType codeType() {
    return ElementType.code(bits, true);
  }

  /** The type of scales. */
  ElementType scaleType() {
    return search == Search.HQQ || levelPrecision() == Precision.FLOAT32
        ? ElementType.FLOAT32
        : precision.type();
  }

  ElementType zeroType() {
    return search == Search.HQQ ? ElementType.FLOAT32 : codeType();
  }

  /** The type in which values become levels, once there is a scale. */
  Precision levelPrecision() {
    return profile == Profile.TORCHAO && bits == 8 ? Precision.FLOAT32 : precision;
  }

  int minCode() {
    return -(1 << (bits - 1));
  }

  int maxCode() {
    return (1 << (bits - 1)) - 1;
  }

  /** The number of steps between the smallest and the largest code, such as 255. */
  float codeRange() {
    return (1 << bits) - 1;
  }

  /** The nearest value in the range of the codes; NaN stays NaN. */
  float clamp(float code) {
    return Math.min(Math.max(code, minCode()), maxCode());
  }

  /** Whether the whole tensor has a single scale. */
  boolean perTensor() {
    return granularity instanceof Granularity.PerTensor;
  }

  /** Rows that share a scale, if the tensor has several. */
  int blockRows() {
    return granularity instanceof Granularity.PerBlock block ? block.rows() : 1;
  }

  /** Columns that share a scale: a group, or all; the last block of a row may have fewer. */
  int blockCols() {
    return Math.toIntExact(Math.min(cols, granularity.columns(cols)));
  }

  /** Blocks side by side. */
  int blocks() {
    return Math.toIntExact((cols + blockCols() - 1) / blockCols());
  }

  Encoding encoding() {
    Part codes = Part.perElement(Part.CODES, codeType());
    Part scale = shared(Part.SCALE, scaleType());
    return symmetric
        ? Encoding.affine(codes, scale)
        : Encoding.affine(codes, scale, shared(Part.ZERO_POINT, zeroType()));
  }

  /** The parts of scales and zero points as bytes. */
  Map<String, byte[]> shared(float[] scales, float[] zeroPoints) {
    Map<String, byte[]> parts = new LinkedHashMap<>();
    parts.put(Part.SCALE, bytes(scaleType(), scales));
    if (!symmetric) {
      parts.put(Part.ZERO_POINT, bytes(zeroType(), zeroPoints));
    }
    return parts;
  }

  private static byte[] bytes(ElementType type, float[] numbers) {
    byte[] bytes = new byte[Math.multiplyExact(numbers.length, type.cellBytes())];
    if (type.isCode()) {
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) numbers[i];
      }
    } else {
      FloatBytes.narrow(type, numbers, 0, numbers.length, bytes, 0);
    }
    return bytes;
  }

  private Part shared(String name, ElementType type) {
    if (granularity instanceof Granularity.PerGroup group) {
      return Part.perGroup(name, type, group.size());
    }
    if (granularity instanceof Granularity.PerBlock block) {
      return Part.perBlock(name, type, block.rows(), block.cols());
    }
    return perTensor() ? Part.perTensor(name, type) : Part.perRow(name, type);
  }

  /**
   * The scale and the zero point of one block of values.
   *
   * @param scale finite; positive, but for the profiles that say otherwise
   * @param zeroPoint the code of zero, which may have a fraction after a search; 0 if codes are
   *     symmetric
   */
  record AffineParameters(float scale, float zeroPoint) {

    /**
     * Computes them from the range of the values, as the profile does.
     *
     * @param first the first value
     * @param where names the block in a message
     */
    static AffineParameters of(AffineSpec spec, float min, float max, float first, Where where) {
      AffineParameters made = spec.profile().parameters(spec, min, max, first);
      made.requireFinite(spec, min, max, where);
      if (made.zeroPoint < spec.minCode() || made.zeroPoint > spec.maxCode()) {
        throw new ValidationException(
            String.format(
                "tensor %s, %s: the range %s to %s does not include 0, so its zero point %s is no code,"
                    + " and profile %s would lose its values. Choose another profile, or symmetric"
                    + " codes, or keep this weight",
                spec.tensor(), where.text(), min, max, made.zeroPoint, spec.profile().wire()));
      }
      return made;
    }

    /** Refuses a range that is too wide. */
    void requireFinite(AffineSpec spec, float min, float max, Where where) {
      if (!Float.isFinite(scale)) {
        throw new ValidationException(
            String.format(
                "tensor %s, %s: the range %s to %s has no finite scale in %s. Use symmetric codes, or"
                    + " keep this weight, or cast it to a type with a wider range first",
                spec.tensor(),
                where.text(),
                Math.min(min, 0f),
                Math.max(max, 0f),
                spec.precision().type().wire()));
      }
    }

    /** The position of a block, computed only when needed. */
    @FunctionalInterface
    interface Where {
      String text();
    }
  }

  /**
   * The libraries whose integer codes are made, bit for bit. {@link IntegerScheme} has the
   * formulas; here is their arithmetic: which operation is rounded to what.
   *
   * <p>In all of them T is the type of the computation for a weight ({@link Precision}), N is the
   * number of steps between the smallest code and the largest, and rint goes to the nearest
   * integer, ties to even.
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
     * A scale of at least 2^-23 (8 bits) or the smallest normal value of T; values are multiplied
     * by 1 / scale, rounded to T. With 8 bits scales are FLOAT32 that hold values of T, and what is
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
            float level =
                v[i] * (1 / scale[i]) + AffineKernels.MAGIC - AffineKernels.MAGIC + zero[i];
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
        // The library clamps it, and then every value of a block without zero is off by the
        // distance
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
     * Converts values to levels, see {@link AffineKernels}: integers in the range of the codes,
     * plus {@link AffineKernels#MAGIC}.
     *
     * @param zero zero points; all 0 if symmetric
     */
    abstract void levels(AffineSpec spec, float[] v, float[] scale, float[] zero, int count);
  }
}

package dev.monoquant.schemes;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.schemes.AffineSpec.Profile;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;

/**
 * The bound on the error of a decoded value, from the scale of its block alone.
 *
 * <p>Let s be the magnitude of the scale, N the number of steps between the smallest and the
 * largest code (255, 15 or 7), and h(m) half the distance between values of the weight's precision
 * at a magnitude m: the maximum error of one rounding. A value x has the exact level x/s + z. In
 * units of s:
 *
 * <ul>
 *   <li>The scale itself is off by e = h(s) from range / N (or / (N/2)), because it is rounded.
 *       Levels may thus overshoot the codes: by N/2 * e/s, symmetric, plus the 1/2 between N/2 and
 *       the greatest code; by o = (N * e + h(range))/s, asymmetric.
 *   <li>The zero point is off by up to 1/2 + h(N) + h(2^(b-1)) from its exact value, for the
 *       rounding of least/s, of the difference and to an integer; or by o where it was clamped.
 *   <li>An unclamped code is off by 1/2 for its own rounding, h for that of x/s, and asymmetric
 *       another h for that of the sum. A clamped one is off by the overshoot, and asymmetric by the
 *       error of the zero point.
 * </ul>
 *
 * <p>The larger of the last two, times s, plus the rounding of the decoded product, is the bound.
 * In FLOAT32 that is s/2 and a little; in BFLOAT16 with 8 bits, where a step is half a level at
 * 127, it is about 1.4 s symmetric and 3.5 s asymmetric. Operations on the two lower types are
 * computed in float32 first; the error of that second rounding is less than 2^-12 of the first, and
 * 2^-10 is added for it.
 *
 * <p>Profiles differ in the divisor of a symmetric range (2^(b-1) - 1 or 2^(b-1) for N/2), and
 * where values are multiplied by 1/s, the rounding of that is an error of the level more. A search
 * takes a share of the range for the range: levels overshoot by the rest of it, divided by the
 * least share; but the sum of the squared errors is no more than that without a search, whose scale
 * is at most the scale divided by that share. HQQ leaves the mean error no larger than that of the
 * range.
 */
final class AffineErrorBound {

  private static final double SECOND_ROUNDINGS = 1 + 0x1p-10;

  private AffineErrorBound() {}

  /** The bounds of the rows of a weight. */
  static ErrorBound of(AffineSpec spec) {
    BlockGrid grid = BlockGrid.of(spec);
    return (tile, row) -> {
      int from = grid.block(row, 0);
      int count = grid.single() ? 1 : grid.across();
      float[] scales = floats(spec.scaleType(), tile.part(Part.SCALE), from, count);
      if (spec.search() == Search.HQQ) {
        float[] zeros = floats(spec.zeroType(), tile.part(Part.ZERO_POINT), from, count);
        double bound = 0;
        for (int i = 0; i < count; i++) {
          bound = Math.max(bound, of(spec, scales[i], zeros[i]));
        }
        return bound;
      }
      float greatest = 0;
      float tiny = 0;
      boolean any = false;
      for (float scale : scales) {
        float magnitude = Math.abs(scale);
        greatest = Math.max(greatest, magnitude);
        if (isTiny(spec, magnitude)) {
          any = true;
          tiny = Math.max(tiny, magnitude);
        }
      }
      double bound = of(spec, greatest, 0);
      return any ? Math.max(bound, of(spec, tiny, 0)) : bound;
    };
  }

  private static float[] floats(ElementType type, byte[] cells, int from, int count) {
    float[] floats = new float[count];
    ByteBuffer bytes = ByteBuffer.wrap(cells).position(from * type.cellBytes());
    FloatBytes.widen(type, bytes, floats, 0, count);
    return floats;
  }

  /** Whether its reciprocal may be infinite, or a value divided by it. */
  private static boolean isTiny(AffineSpec spec, double scale) {
    return spec.profile() != Profile.COMPRESSED_TENSORS && scale < Precision.FLOAT32.minNormal();
  }

  /** The bound, growing with the magnitude of the scale; both in units of the weight. */
  static double of(AffineSpec spec, float scale) {
    return of(spec, scale, 0);
  }

  private static double of(AffineSpec spec, float signed, float zero) {
    double scale = Math.abs(signed);
    Precision precision = spec.precision();
    double greatest = (spec.symmetric() ? -spec.minCode() : spec.codeRange()) * scale;
    double bound;
    if (isTiny(spec, scale)) {
      // Any code may be made of any value of the range, whose scale was rounded to this one.
      bound = 4 * spec.codeRange() * (scale + precision.relativeHalfStep(scale));
    } else if (spec.search() == Search.HQQ) {
      bound = hqq(spec, zero) * scale;
    } else {
      bound = levels(spec, scale) * scale;
    }
    bound += precision.halfStep(greatest);
    if (spec.source() == ElementType.FLOAT64) {
      // The tile's floats are rounded doubles.
      bound += Precision.FLOAT32.halfStep(2 * greatest);
    }
    return bound * SECOND_ROUNDINGS;
  }

  /** In levels. */
  private static double levels(AffineSpec spec, double scale) {
    if (spec.search() != Search.GRID && spec.search() != Search.MSE) {
      return levels(spec, scale, 1);
    }
    double stretch = (1 + 0x1p-6) / RangeSearch.leastShare(spec.search());
    return levels(spec, scale, stretch);
  }

  /** In levels, if the range is that of the scale times a factor. */
  private static double levels(AffineSpec spec, double scale, double stretch) {
    return spec.symmetric() ? symmetric(spec, scale, stretch) : asymmetric(spec, scale, stretch);
  }

  private static double symmetric(AffineSpec spec, double scale, double stretch) {
    double half =
        switch (spec.profile()) {
          case COMPRESSED_TENSORS, TORCHAO -> spec.codeRange() / 2;
          case QUANTO -> spec.maxCode();
          case ONNXRUNTIME -> -spec.minCode();
        };
    double scaleError = spec.precision().relativeHalfStep(scale);
    double clamped = half * stretch - spec.maxCode() + half * stretch * scaleError / scale;
    return Math.max(clamped, 0.5 + levelError(spec, scale, -spec.minCode()));
  }

  private static double asymmetric(AffineSpec spec, double scale, double stretch) {
    Precision precision = spec.precision();
    double steps = spec.codeRange();
    double scaleError = precision.relativeHalfStep(scale);
    double rangeError = precision.relativeHalfStep(steps * (scale + scaleError));
    double overshoot = (steps * scaleError + rangeError) / scale;
    double levelError = levelError(spec, scale, steps + overshoot);
    double sumError = precision.halfStep(-spec.minCode() + overshoot);
    double zeroPointError = Math.max(overshoot, 0.5 + levelError + sumError);
    double unclamped = 0.5 + levelError + precision.halfStep(-spec.minCode());
    double beyond = overshoot + (stretch - 1) * (steps + overshoot);
    return Math.max(beyond + zeroPointError, unclamped);
  }

  /** The error of a level of some magnitude. */
  private static double levelError(AffineSpec spec, double scale, double level) {
    Precision precision = spec.levelPrecision();
    return switch (spec.profile()) {
      case COMPRESSED_TENSORS, QUANTO -> precision.halfStep(level);
      case TORCHAO -> precision.halfStep(level) + reciprocalError(precision, scale) * level;
      case ONNXRUNTIME ->
          Precision.FLOAT32.halfStep(2 * level) + reciprocalError(Precision.FLOAT32, scale) * level;
    };
  }

  /** How far the product of a scale and its rounded reciprocal may be from 1. */
  private static double reciprocalError(Precision precision, double scale) {
    return precision.relativeHalfStep(1 / scale) * scale;
  }

  /** In levels. */
  private static double hqq(AffineSpec spec, float zero) {
    double far = Math.abs(zero) + 4 * spec.codeRange();
    double roundings = 8 * Precision.FLOAT32.relativeHalfStep(far);
    return spec.blockCols() * (1 + roundings) + roundings;
  }
}

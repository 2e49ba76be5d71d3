package dev.monoquant.vector;

import static dev.monoquant.vector.Lanes.MAGIC;
import static dev.monoquant.vector.Lanes.MAGIC_BITS;
import static dev.monoquant.vector.Species.BYTES;
import static dev.monoquant.vector.Species.FLOATS;
import static dev.monoquant.vector.Species.INTS;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The kernels of {@link VectorKernels} over short runs of numbers: one call for all runs of a tile,
 * since a call for each took as long as the numbers of 32. Runs that are no whole vectors are left
 * to the plain loops. In a class of its own for its length; the launcher has its methods compiled
 * early, too.
 */
final class VectorRuns {

  private static final int LANES = FLOATS.length();
  private static final int SIGN = 0x8000_0000;

  /** The greatest float below 1/2. */
  private static final float BELOW_HALF = 0x1.fffffep-2f;

  private VectorRuns() {}

  private static boolean isWhole(int run) {
    return run % LANES == 0;
  }

  /**
   * As integers positive floats are in their order, and so are negative ones with the sign
   * reversed. Only where both signs have the largest magnitude is it searched for.
   */
  static void largest(float[] from, int at, int count, int run, float[] to) {
    if (!isWhole(run)) {
      BoundKernels.JVM.largest(from, at, count, run, to);
      return;
    }
    int end = at + count;
    int own = 0;
    for (int start = at; start < end; start += run) {
      IntVector positive = IntVector.broadcast(INTS, SIGN);
      IntVector negative = IntVector.broadcast(INTS, SIGN);
      for (int i = start; i < start + run; i += LANES) {
        IntVector bits = FloatVector.fromArray(FLOATS, from, i).reinterpretAsInts();
        positive = positive.max(bits);
        negative = negative.max(bits.lanewise(VectorOperators.XOR, SIGN));
      }
      int up = positive.reduceLanes(VectorOperators.MAX);
      int down = negative.reduceLanes(VectorOperators.MAX);
      // Zero less zero has no sign.
      to[own++] =
          up == down
              ? first(from, start, up)
              : up > down ? Float.intBitsToFloat(up) : 0 - Float.intBitsToFloat(down);
    }
  }

  /** The first number that has a magnitude, as bits. */
  private static float first(float[] from, int at, int magnitude) {
    if (magnitude == 0) {
      return 0;
    }
    int i = at;
    while ((Float.floatToRawIntBits(from[i]) & ~SIGN) != magnitude) {
      i++;
    }
    return from[i];
  }

  /**
   * The nearest integer, ties to even, is one too small where the exact rest is 1/2, which is when
   * the difference from the next smaller float is negative.
   */
  static void nearestCodes(
      float[] from, int at, int count, int run, float[] factors, byte[] to, int toAt) {
    if (!isWhole(run)) {
      BoundKernels.JVM.nearestCodes(from, at, count, run, factors, to, toAt);
      return;
    }
    FloatVector half = FloatVector.broadcast(FLOATS, BELOW_HALF);
    int own = 0;
    for (int start = 0; start < count; start += run) {
      float factor = factors[own++];
      for (int i = start; i < start + run; i += LANES) {
        FloatVector product = FloatVector.fromArray(FLOATS, from, at + i).mul(factor);
        IntVector sign = product.reinterpretAsInts().lanewise(VectorOperators.ASHR, 31);
        FloatVector magnitude = product.reinterpretAsInts().and(~SIGN).reinterpretAsFloats();
        FloatVector sum = magnitude.add(MAGIC);
        FloatVector rest = magnitude.sub(sum.sub(MAGIC));
        IntVector less = half.sub(rest).reinterpretAsInts().lanewise(VectorOperators.ASHR, 31);
        IntVector code = sum.reinterpretAsInts().sub(less);
        // The complement plus one is the negative.
        IntVector signed = code.lanewise(VectorOperators.XOR, sign).sub(sign);
        ((ByteVector) signed.convertShape(VectorOperators.I2B, BYTES, 0)).intoArray(to, toAt + i);
      }
    }
  }

  static void shiftedCodes(
      ElementType type,
      float[] from,
      int at,
      int count,
      int run,
      float[] least,
      float[] factors,
      byte[] to,
      int toAt) {
    if (!isWhole(run)) {
      BoundKernels.JVM.shiftedCodes(type, from, at, count, run, least, factors, to, toAt);
      return;
    }
    int offset = -type.minCode();
    int most = MAGIC_BITS + offset + type.maxCode();
    float shift = offset + 0.5f;
    int own = 0;
    for (int start = 0; start < count; start += run) {
      float lowest = least[own];
      float factor = factors[own++];
      for (int i = start; i < start + run; i += LANES) {
        FloatVector sum =
            FloatVector.fromArray(FLOATS, from, at + i).sub(lowest).mul(factor).add(shift);
        FloatVector even = sum.add(MAGIC);
        FloatVector rest = sum.sub(even.sub(MAGIC));
        // One less where the nearest integer is above.
        IntVector less = rest.reinterpretAsInts().lanewise(VectorOperators.ASHR, 31);
        IntVector code = even.reinterpretAsInts().add(less).min(most).sub(offset);
        ((ByteVector) code.convertShape(VectorOperators.I2B, BYTES, 0)).intoArray(to, toAt + i);
      }
    }
  }

  static void runValues(
      byte[] from, int count, int run, float[] scales, ElementType type, float[] to) {
    if (!isWhole(run)) {
      BoundKernels.JVM.runValues(from, count, run, scales, type, to);
      return;
    }
    int own = 0;
    if (type == ElementType.BFLOAT16) {
      for (int start = 0; start < count; start += run) {
        float scale = scales[own++];
        for (int i = start; i < start + run; i += LANES) {
          IntVector bits = Lanes.numbers(from, i).mul(scale).reinterpretAsInts();
          Lanes.roundBFloat16(bits).reinterpretAsFloats().intoArray(to, i);
        }
      }
    } else if (type == ElementType.FLOAT16) {
      for (int start = 0; start < count; start += run) {
        float scale = scales[own++];
        for (int i = start; i < start + run; i += LANES) {
          IntVector bits = Lanes.numbers(from, i).mul(scale).reinterpretAsInts();
          Lanes.roundFloat16(bits).reinterpretAsFloats().intoArray(to, i);
        }
      }
    } else {
      for (int start = 0; start < count; start += run) {
        float scale = scales[own++];
        for (int i = start; i < start + run; i += LANES) {
          Lanes.numbers(from, i).mul(scale).intoArray(to, i);
        }
      }
    }
  }
}

package dev.monoquant.vector;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Steps that several kernels share. C2 must inline them, for a vector that escapes becomes an
 * object: each has fewer than 60 bytes of code. They are in a class of their own, as the launcher
 * has the methods of {@link VectorKernels} compiled early, and C2 does not inline what it has
 * compiled by itself.
 */
final class Lanes {

  private static final int MAGNITUDE = 0x7FFF_FFFF;
  private static final int INFINITY = 0x7F80_0000;
  private static final int NAN = 0x7FC0_0000;
  private static final int SIGN = 0x8000_0000;

  /** The last digit of sums with it is worth 1. */
  static final float MAGIC = 0x1.8p23f;

  /** The bits of {@link #MAGIC}, to which an integer is added. */
  static final int MAGIC_BITS = Float.floatToRawIntBits(MAGIC);

  private Lanes() {}

  static IntVector bits(short[] from, int at) {
    ShortVector shorts = ShortVector.fromArray(Species.SHORTS, from, at);
    return (IntVector) shorts.convertShape(VectorOperators.S2I, Species.INTS, 0);
  }

  /** As floats; every NaN becomes the same. */
  static IntVector roundBFloat16(IntVector bits) {
    IntVector even = bits.lanewise(VectorOperators.LSHR, 16).and(1);
    IntVector rounded = bits.add(even).add(0x7FFF).and(0xFFFF_0000);
    IntVector nans = nans(bits);
    return rounded.lanewise(VectorOperators.AND_NOT, nans).or(nans.and(NAN));
  }

  /**
   * All bits where a float is NaN, else none. Not a mask: C2 does not inline a method whose
   * signature has a class that nothing has loaded yet.
   */
  static IntVector nans(IntVector bits) {
    IntVector below = bits.and(MAGNITUDE).lanewise(VectorOperators.NEG).add(INFINITY);
    return below.lanewise(VectorOperators.ASHR, 31);
  }

  /** As floats; every NaN becomes the same. */
  static IntVector roundFloat16(IntVector bits) {
    IntVector magnitude = bits.and(MAGNITUDE);
    return special(normal(magnitude), magnitude).or(bits.and(SIGN));
  }

  static IntVector normal(IntVector magnitude) {
    IntVector even = magnitude.lanewise(VectorOperators.LSHR, 13).and(1);
    return magnitude.add(0xFFF).add(even).and(~0x1FFF);
  }

  static IntVector special(IntVector normal, IntVector magnitude) {
    return normal
        .blend(small(magnitude), magnitude.compare(VectorOperators.LT, 0x3880_0000))
        .blend(INFINITY, normal.compare(VectorOperators.GE, 0x4780_0000))
        .blend(NAN, magnitude.compare(VectorOperators.GT, INFINITY));
  }

  /** Near 0.5 the step of float32 equals the step of float16's subnormals. */
  static IntVector small(IntVector magnitude) {
    return magnitude.reinterpretAsFloats().add(0.5f).sub(0.5f).reinterpretAsInts();
  }

  static IntVector bytes(byte[] from, int at) {
    ByteVector bytes = ByteVector.fromArray(Species.BYTES, from, at);
    return (IntVector) bytes.convertShape(VectorOperators.B2I, Species.INTS, 0);
  }

  /** Integers as floats: an integer added to the bits of 1.5 * 2^23 is added to the number. */
  static FloatVector numbers(byte[] from, int at) {
    return bytes(from, at).add(MAGIC_BITS).reinterpretAsFloats().sub(MAGIC);
  }

  /**
   * Integers in the order of floats: a negative float has its magnitude inverted. The NaN are
   * beyond both infinities.
   */
  static IntVector order(IntVector bits) {
    return bits.lanewise(
        VectorOperators.XOR, bits.lanewise(VectorOperators.ASHR, 31).and(MAGNITUDE));
  }

  static int order(int bits) {
    return bits ^ (bits >> 31 & MAGNITUDE);
  }
}

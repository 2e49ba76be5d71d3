package dev.monoquant.vector;

import dev.monoquant.model.BFloat16;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.ErrorBlock;
import dev.monoquant.model.Float16;
import dev.monoquant.model.IntegerCodes;
import dev.monoquant.model.Kernels;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels in vector instructions; what is left at the end of an array is done by {@link
 * Kernels#JVM}.
 *
 * <p>Four things make these loops fast, all of them measured:
 *
 * <ul>
 *   <li>Arrays only. Loads from byte buffers are slower, and their methods left the API after JDK
 *       17.
 *   <li>Floats become integers by an addition of 1.5 * 2^23, and maxima are those of integers: the
 *       conversion is no vector instruction on JDK 17, and the maximum of floats knows about NaN.
 *   <li>Sums of squares run side by side over short blocks, see {@link ErrorBlock}.
 *   <li>No call that C2 would not inline, for a vector that escapes becomes an object: see {@link
 *       Lanes}.
 * </ul>
 *
 * <p>Until C2 has compiled them, see {@link WarmingKernels}, the plain loops work.
 */
final class VectorKernels implements Kernels {

  private static final VectorSpecies<Float> FLOATS = Species.FLOATS;
  private static final VectorSpecies<Integer> INTS = Species.INTS;
  private static final VectorSpecies<Short> SHORTS = Species.SHORTS;
  private static final VectorSpecies<Byte> BYTES = Species.BYTES;
  static final int LANES = FLOATS.length();

  private static final int MAGNITUDE = 0x7FFF_FFFF;
  private static final int INFINITY = 0x7F80_0000;
  private static final int NAN = 0x7FC0_0000;
  private static final int SIGN = 0x8000_0000;

  /** Whether the processor has vectors of the length that is used. */
  static boolean isFast() {
    return FloatVector.SPECIES_PREFERRED.vectorBitSize() >= FLOATS.vectorBitSize();
  }

  @Override
  public String name() {
    return "vector";
  }

  @Override
  public void widenBFloat16(short[] from, int count, float[] to, int at) {
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      Lanes.bits(from, i)
          .lanewise(VectorOperators.LSHL, 16)
          .reinterpretAsFloats()
          .intoArray(to, at + i);
    }
    for (; i < count; i++) {
      to[at + i] = BFloat16.toFloat(from[i]);
    }
  }

  @Override
  public void widenFloat16(short[] from, int count, float[] to, int at) {
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      IntVector bits = Lanes.bits(from, i);
      IntVector magnitude = bits.and(0x7FFF);
      IntVector special =
          magnitude
              .lanewise(VectorOperators.NEG)
              .add(0x7BFF)
              .lanewise(VectorOperators.ASHR, 31)
              .and(INFINITY);
      IntVector sign = bits.and(0x8000).lanewise(VectorOperators.LSHL, 16);
      magnitude
          .lanewise(VectorOperators.LSHL, 13)
          .reinterpretAsFloats()
          .mul(0x1p112f)
          .reinterpretAsInts()
          .or(special)
          .or(sign)
          .reinterpretAsFloats()
          .intoArray(to, at + i);
    }
    for (; i < count; i++) {
      to[at + i] = Float16.toFloat(from[i]);
    }
  }

  @Override
  public boolean narrowBFloat16(float[] from, int at, int count, short[] to) {
    IntVector greatest = IntVector.zero(INTS);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      IntVector bits = FloatVector.fromArray(FLOATS, from, at + i).reinterpretAsInts();
      IntVector rounded = Lanes.roundBFloat16(bits).lanewise(VectorOperators.LSHR, 16);
      ((ShortVector) rounded.convertShape(VectorOperators.I2S, SHORTS, 0)).intoArray(to, i);
      IntVector infinite = rounded.and(0x7FFF).lanewise(VectorOperators.XOR, 0x7F80);
      greatest = greatest.max(infinite.sub(1).lanewise(VectorOperators.LSHR, 31));
    }
    int seen = greatest.reduceLanes(VectorOperators.MAX);
    for (; i < count; i++) {
      to[i] = BFloat16.fromFloat(from[at + i]);
      seen |= (to[i] & 0x7FFF) == 0x7F80 ? 1 : 0;
    }
    return seen != 0;
  }

  @Override
  public boolean narrowFloat16(float[] from, int at, int count, short[] to) {
    IntVector greatest = IntVector.zero(INTS);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      IntVector bits = FloatVector.fromArray(FLOATS, from, at + i).reinterpretAsInts();
      IntVector magnitude = bits.and(MAGNITUDE);
      IntVector even = magnitude.lanewise(VectorOperators.LSHR, 13).and(1);
      IntVector normal =
          magnitude.sub(0x3800_0000 - 0xFFF).add(even).lanewise(VectorOperators.LSHR, 13);
      // Near 0.5 the step of float32 equals the step of float16's subnormals.
      IntVector small =
          magnitude.reinterpretAsFloats().add(0.5f).reinterpretAsInts().sub(0x3F00_0000);
      IntVector rounded =
          normal
              .blend(small, magnitude.compare(VectorOperators.LT, 0x3880_0000))
              .blend(0x7C00, magnitude.compare(VectorOperators.GE, 0x4780_0000))
              .blend(0x7E00, magnitude.compare(VectorOperators.GT, INFINITY));
      IntVector sign = bits.lanewise(VectorOperators.LSHR, 16).and(0x8000);
      ((ShortVector) rounded.or(sign).convertShape(VectorOperators.I2S, SHORTS, 0))
          .intoArray(to, i);
      IntVector infinite = rounded.lanewise(VectorOperators.XOR, 0x7C00);
      greatest = greatest.max(infinite.sub(1).lanewise(VectorOperators.LSHR, 31));
    }
    int seen = greatest.reduceLanes(VectorOperators.MAX);
    for (; i < count; i++) {
      to[i] = Float16.fromFloat(from[at + i]);
      seen |= (to[i] & 0x7FFF) == 0x7C00 ? 1 : 0;
    }
    return seen != 0;
  }

  @Override
  public void round(ElementType type, float[] values, int count) {
    int i = 0;
    if (type == ElementType.BFLOAT16) {
      for (; i <= count - LANES; i += LANES) {
        IntVector bits = FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts();
        Lanes.roundBFloat16(bits).reinterpretAsFloats().intoArray(values, i);
      }
    } else {
      for (; i <= count - LANES; i += LANES) {
        IntVector bits = FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts();
        Lanes.roundFloat16(bits).reinterpretAsFloats().intoArray(values, i);
      }
    }
    for (; i < count; i++) {
      values[i] = type.round(values[i]);
    }
  }

  @Override
  public void widenBytes(byte[] from, int at, int count, float[] to) {
    integerValues(from, at, count, 1, 0, ElementType.FLOAT32, to, 0);
  }

  @Override
  public void integerValues(
      byte[] from,
      int at,
      int count,
      float scale,
      float zero,
      ElementType type,
      float[] to,
      int toAt) {
    int i = 0;
    if (type == ElementType.BFLOAT16) {
      for (; i <= count - LANES; i += LANES) {
        IntVector bits = Lanes.numbers(from, at + i).sub(zero).mul(scale).reinterpretAsInts();
        Lanes.roundBFloat16(bits).reinterpretAsFloats().intoArray(to, toAt + i);
      }
    } else if (type == ElementType.FLOAT16) {
      for (; i <= count - LANES; i += LANES) {
        IntVector bits = Lanes.numbers(from, at + i).sub(zero).mul(scale).reinterpretAsInts();
        Lanes.roundFloat16(bits).reinterpretAsFloats().intoArray(to, toAt + i);
      }
    } else {
      for (; i <= count - LANES; i += LANES) {
        Lanes.numbers(from, at + i).sub(zero).mul(scale).intoArray(to, toAt + i);
      }
    }
    if (i < count) {
      BoundKernels.JVM.integerValues(from, at + i, count - i, scale, zero, type, to, toAt + i);
    }
  }

  @Override
  public void integerCodes(
      float[] from, int at, int count, IntegerCodes codes, byte[] to, int toAt) {
    float scale = codes.scale();
    float split = codes.step() + 1;
    float zero = codes.zero();
    float step = codes.step();
    float min = codes.min();
    float max = codes.max();
    FloatVector least = FloatVector.broadcast(FLOATS, min);
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      FloatVector quotient = FloatVector.fromArray(FLOATS, from, at + i).div(scale);
      FloatVector high = quotient.mul(split);
      FloatVector sum = high.add(quotient.sub(high)).add(zero);
      // A NaN is neither above nor below.
      FloatVector above = least.blend(sum, sum.compare(VectorOperators.GE, min));
      FloatVector level = above.blend(max, above.compare(VectorOperators.GT, max));
      FloatVector shifted = level.mul(step);
      IntVector bits = level.add(shifted).sub(shifted).add(Lanes.MAGIC).reinterpretAsInts();
      ((ByteVector) bits.convertShape(VectorOperators.I2B, BYTES, 0)).intoArray(to, toAt + i);
    }
    if (i < count) {
      BoundKernels.JVM.integerCodes(from, at + i, count - i, codes, to, toAt + i);
    }
  }

  @Override
  public void widenFloat8(ElementType type, byte[] from, int at, int count, float[] to) {
    float8Values(type, from, at, count, 1, ElementType.FLOAT32, to, 0);
  }

  @Override
  public void float8Values(
      ElementType codes,
      byte[] from,
      int at,
      int count,
      float scale,
      ElementType type,
      float[] to,
      int toAt) {
    boolean e4m3 = codes == ElementType.FLOAT8_E4M3;
    int up = e4m3 ? 20 : 21;
    // The exponents of a float are greater by this than those of the type.
    int bias = (e4m3 ? 120 : 112) << 23;
    int lowest = 1 << 23;
    float least = e4m3 ? 0x1p-6f : 0x1p-14f;
    // E4M3 has no infinity, and no code of 7 bits is 0x80.
    int infinity = e4m3 ? 0x80 : 0x7C;
    int nan = e4m3 ? 0x7F : 0x7D;
    boolean bfloat16 = type == ElementType.BFLOAT16;
    boolean float16 = type == ElementType.FLOAT16;
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      IntVector bits = Lanes.bytes(from, at + i);
      IntVector code = bits.and(0x7F);
      IntVector magnitude = code.lanewise(VectorOperators.LSHL, up).add(bias);
      // Without an implied digit: that is added, and taken away again.
      IntVector small = magnitude.add(lowest).reinterpretAsFloats().sub(least).reinterpretAsInts();
      IntVector value =
          magnitude.blend(small, magnitude.compare(VectorOperators.LT, bias + lowest));
      IntVector finite = value.blend(INFINITY, code.compare(VectorOperators.EQ, infinity));
      IntVector product =
          finite
              .or(bits.and(SIGN))
              .blend(NAN, code.compare(VectorOperators.GE, nan))
              .reinterpretAsFloats()
              .mul(scale)
              .reinterpretAsInts();
      if (bfloat16) {
        product = Lanes.roundBFloat16(product);
      } else if (float16) {
        product = Lanes.roundFloat16(product);
      }
      product.reinterpretAsFloats().intoArray(to, toAt + i);
    }
    if (i < count) {
      BoundKernels.JVM.float8Values(codes, from, at + i, count - i, scale, type, to, toAt + i);
    }
  }

  @Override
  public void lowBytes(float[] from, int count, byte[] to, int at) {
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      IntVector bits = FloatVector.fromArray(FLOATS, from, i).reinterpretAsInts();
      IntVector numbers = bits.lanewise(VectorOperators.AND_NOT, Lanes.nans(bits));
      ((ByteVector) numbers.convertShape(VectorOperators.I2B, BYTES, 0)).intoArray(to, at + i);
    }
    for (; i < count; i++) {
      to[at + i] = (byte) Float.floatToIntBits(from[i]);
    }
  }

  @Override
  public void narrowFloat8(
      ElementType type, float[] signs, float[] values, int count, byte[] to, int at) {
    int i = encode(type, signs, values, 0, count, 1, 1, to, at);
    for (; i < count; i++) {
      int code = Float.isNaN(values[i]) ? 0x7F : type.encode(Math.abs(values[i]));
      int sign = Float.floatToRawIntBits(signs[i]) >>> 24 & 0x80;
      to[at + i] = (byte) (sign | Math.min(code, type == ElementType.FLOAT8_E4M3 ? 0x7E : 0x7B));
    }
  }

  @Override
  public void float8Codes(
      ElementType type,
      float[] from,
      int at,
      int count,
      float divisor,
      float step,
      byte[] to,
      int toAt) {
    int i = encode(type, from, from, at, count, divisor, step, to, toAt);
    if (i < count) {
      BoundKernels.JVM.float8Codes(type, from, at + i, count - i, divisor, step, to, toAt + i);
    }
  }

  /** Encodes quotients as far as whole vectors go, and returns how many. */
  private static int encode(
      ElementType type,
      float[] signs,
      float[] values,
      int at,
      int count,
      float divisor,
      float step,
      byte[] to,
      int toAt) {
    boolean e4m3 = type == ElementType.FLOAT8_E4M3;
    int drop = e4m3 ? 20 : 21;
    int half = (1 << (drop - 1)) - 1;
    int bias = e4m3 ? 120 << 3 : 112 << 2;
    int least = (e4m3 ? 121 : 113) << 23;
    int most = e4m3 ? 0x7E : 0x7B;
    // The last digit of sums with it is the step of the subnormal values.
    float steps = e4m3 ? 0x1.8p14f : 0x1.8p7f;
    int stepBits = Float.floatToRawIntBits(steps);
    float split = step + 1;
    int i = 0;
    for (; i <= count - LANES; i += LANES) {
      FloatVector quotient = FloatVector.fromArray(FLOATS, values, at + i).div(divisor);
      FloatVector high = quotient.mul(split);
      IntVector magnitude = high.add(quotient.sub(high)).reinterpretAsInts().and(MAGNITUDE);
      IntVector even = magnitude.lanewise(VectorOperators.LSHR, drop).and(1);
      IntVector normal =
          magnitude.add(half).add(even).lanewise(VectorOperators.LSHR, drop).sub(bias).min(most);
      IntVector small =
          magnitude.reinterpretAsFloats().add(steps).reinterpretAsInts().sub(stepBits);
      IntVector code = normal.blend(small, magnitude.compare(VectorOperators.LT, least));
      IntVector sign =
          FloatVector.fromArray(FLOATS, signs, at + i)
              .reinterpretAsInts()
              .lanewise(VectorOperators.LSHR, 24)
              .and(0x80);
      ((ByteVector) code.or(sign).convertShape(VectorOperators.I2B, BYTES, 0))
          .intoArray(to, toAt + i);
    }
    return i;
  }

  @Override
  public void largest(float[] from, int at, int count, int run, float[] to) {
    VectorRuns.largest(from, at, count, run, to);
  }

  @Override
  public void nearestCodes(
      float[] from, int at, int count, int run, float[] factors, byte[] to, int toAt) {
    VectorRuns.nearestCodes(from, at, count, run, factors, to, toAt);
  }

  @Override
  public void shiftedCodes(
      ElementType type,
      float[] from,
      int at,
      int count,
      int run,
      float[] least,
      float[] factors,
      byte[] to,
      int toAt) {
    VectorRuns.shiftedCodes(type, from, at, count, run, least, factors, to, toAt);
  }

  @Override
  public void runValues(
      byte[] from, int count, int run, float[] scales, ElementType type, float[] to) {
    VectorRuns.runValues(from, count, run, scales, type, to);
  }

  @Override
  public float absMax(float[] values, int at, int count) {
    IntVector greatest = IntVector.zero(INTS);
    int i = at;
    int end = at + count;
    for (; i <= end - LANES; i += LANES) {
      IntVector bits = FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts();
      greatest = greatest.max(bits.and(MAGNITUDE));
    }
    int most = greatest.reduceLanes(VectorOperators.MAX);
    for (; i < end; i++) {
      most = Math.max(most, Float.floatToRawIntBits(values[i]) & MAGNITUDE);
    }
    return Float.intBitsToFloat(most);
  }

  @Override
  public float min(float[] values, int at, int count) {
    IntVector least = IntVector.broadcast(INTS, Integer.MAX_VALUE);
    IntVector magnitude = IntVector.zero(INTS);
    int i = at;
    int end = at + count;
    for (; i <= end - LANES; i += LANES) {
      IntVector bits = FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts();
      least = least.min(Lanes.order(bits));
      magnitude = magnitude.max(bits.and(MAGNITUDE));
    }
    int min = least.reduceLanes(VectorOperators.MIN);
    int most = magnitude.reduceLanes(VectorOperators.MAX);
    for (; i < end; i++) {
      int bits = Float.floatToRawIntBits(values[i]);
      min = Math.min(min, Lanes.order(bits));
      most = Math.max(most, bits & MAGNITUDE);
    }
    return most > INFINITY ? Float.NaN : Float.intBitsToFloat(Lanes.order(min));
  }

  @Override
  public float max(float[] values, int at, int count) {
    IntVector greatest = IntVector.broadcast(INTS, Integer.MIN_VALUE);
    IntVector magnitude = IntVector.zero(INTS);
    int i = at;
    int end = at + count;
    for (; i <= end - LANES; i += LANES) {
      IntVector bits = FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts();
      greatest = greatest.max(Lanes.order(bits));
      magnitude = magnitude.max(bits.and(MAGNITUDE));
    }
    int max = greatest.reduceLanes(VectorOperators.MAX);
    int most = magnitude.reduceLanes(VectorOperators.MAX);
    for (; i < end; i++) {
      int bits = Float.floatToRawIntBits(values[i]);
      max = Math.max(max, Lanes.order(bits));
      most = Math.max(most, bits & MAGNITUDE);
    }
    // Adding zero makes -0 positive.
    return most > INFINITY ? Float.NaN : Float.intBitsToFloat(Lanes.order(max)) + 0f;
  }

  @Override
  public double errors(float[] x, float[] y, int at, int count, double[] sums) {
    float[] partial = new float[3 * ErrorBlock.SUMS];
    double greatest = 0;
    int end = at + count;
    int i = at;
    for (; i <= end - ErrorBlock.NUMBERS; i += ErrorBlock.NUMBERS) {
      int most = 0;
      for (int lane = 0; lane < ErrorBlock.SUMS; lane += LANES) {
        most = Math.max(most, sums(x, y, i + lane, lane, partial));
      }
      float difference = Float.intBitsToFloat(most);
      greatest = Math.max(greatest, ErrorBlock.add(x, y, i, partial, difference, sums));
    }
    return i < end ? Math.max(greatest, BoundKernels.JVM.errors(x, y, i, end - i, sums)) : greatest;
  }

  /** As many of the partial sums of a block as there are lanes. */
  private static int sums(float[] x, float[] y, int at, int lane, float[] partial) {
    IntVector greatest = IntVector.zero(INTS);
    FloatVector signal = FloatVector.zero(FLOATS);
    FloatVector noise = FloatVector.zero(FLOATS);
    FloatVector cross = FloatVector.zero(FLOATS);
    for (int i = 0; i < ErrorBlock.NUMBERS; i += ErrorBlock.SUMS) {
      FloatVector a = FloatVector.fromArray(FLOATS, x, at + i);
      FloatVector e = a.sub(FloatVector.fromArray(FLOATS, y, at + i));
      signal = signal.add(a.mul(a));
      noise = noise.add(e.mul(e));
      cross = cross.add(a.mul(e));
      greatest = greatest.max(e.reinterpretAsInts().and(MAGNITUDE));
    }
    signal.intoArray(partial, lane);
    noise.intoArray(partial, ErrorBlock.SUMS + lane);
    cross.intoArray(partial, 2 * ErrorBlock.SUMS + lane);
    return greatest.reduceLanes(VectorOperators.MAX);
  }
}

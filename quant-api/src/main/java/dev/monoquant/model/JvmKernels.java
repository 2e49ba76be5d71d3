package dev.monoquant.model;

import java.util.Arrays;

/** The reference: plain loops. */
final class JvmKernels implements Kernels {

  /** Values that are added up side by side, so that no addition waits for the one before. */
  private static final int GROUP = 4;

  JvmKernels() {}

  @Override
  public String name() {
    return "jvm";
  }

  @Override
  public void widenBFloat16(short[] from, int count, float[] to, int at) {
    for (int i = 0; i < count; i++) {
      to[at + i] = BFloat16.toFloat(from[i]);
    }
  }

  @Override
  public void widenFloat16(short[] from, int count, float[] to, int at) {
    for (int i = 0; i < count; i++) {
      to[at + i] = Float16.toFloat(from[i]);
    }
  }

  @Override
  public boolean narrowBFloat16(float[] from, int at, int count, short[] to) {
    int seen = 0;
    for (int i = 0; i < count; i++) {
      short bits = BFloat16.fromFloat(from[at + i]);
      to[i] = bits;
      seen |= (bits & 0x7FFF) == 0x7F80 ? 1 : 0;
    }
    return seen != 0;
  }

  @Override
  public boolean narrowFloat16(float[] from, int at, int count, short[] to) {
    int seen = 0;
    for (int i = 0; i < count; i++) {
      short bits = Float16.fromFloat(from[at + i]);
      to[i] = bits;
      seen |= (bits & 0x7FFF) == 0x7C00 ? 1 : 0;
    }
    return seen != 0;
  }

  @Override
  public void round(ElementType type, float[] values, int count) {
    if (type == ElementType.BFLOAT16) {
      for (int i = 0; i < count; i++) {
        values[i] = BFloat16.round(values[i]);
      }
    } else {
      for (int i = 0; i < count; i++) {
        values[i] = Float16.round(values[i]);
      }
    }
  }

  @Override
  public void widenBytes(byte[] from, int at, int count, float[] to) {
    for (int i = 0; i < count; i++) {
      to[i] = Tables.BYTES[from[at + i] & 0xFF];
    }
  }

  @Override
  public void widenFloat8(ElementType type, byte[] from, int at, int count, float[] to) {
    float[] table = type == ElementType.FLOAT8_E4M3 ? Tables.E4M3 : Tables.E5M2;
    for (int i = 0; i < count; i++) {
      to[i] = table[from[at + i] & 0xFF];
    }
  }

  @Override
  public void lowBytes(float[] from, int count, byte[] to, int at) {
    for (int i = 0; i < count; i++) {
      // Not the raw bits: those of a NaN are any.
      to[at + i] = (byte) Float.floatToIntBits(from[i]);
    }
  }

  @Override
  public void narrowFloat8(
      ElementType type, float[] signs, float[] values, int count, byte[] to, int at) {
    int fraction = type == ElementType.FLOAT8_E4M3 ? 3 : 2;
    int minExponent = type == ElementType.FLOAT8_E4M3 ? -6 : -14;
    int most = type == ElementType.FLOAT8_E4M3 ? 0x7E : 0x7B;
    int drop = 23 - fraction;
    int half = (1 << (drop - 1)) - 1;
    int bias = (minExponent - 1 + 127) << fraction;
    int least = (minExponent + 127) << 23;
    // The last digit of sums with it is the step of the subnormal values.
    float steps = Math.scalb(1.5f, 23 + minExponent - fraction);
    int stepBits = Float.floatToRawIntBits(steps);
    for (int i = 0; i < count; i++) {
      int magnitude = Float.floatToRawIntBits(values[i]) & 0x7FFF_FFFF;
      int normal = ((magnitude + half + (magnitude >>> drop & 1)) >>> drop) - bias;
      int small = Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) + steps) - stepBits;
      int code = magnitude < least ? small : Math.min(normal, most);
      to[at + i] = (byte) ((Float.floatToRawIntBits(signs[i]) >>> 24 & 0x80) | code);
    }
  }

  @Override
  public void integerCodes(
      float[] from, int at, int count, IntegerCodes codes, byte[] to, int toAt) {
    float split = codes.step() + 1;
    for (int i = 0; i < count; i++) {
      float quotient = from[at + i] / codes.scale();
      float high = quotient * split;
      float sum = high + (quotient - high) + codes.zero();
      float level = sum >= codes.min() ? Math.min(sum, codes.max()) : codes.min();
      float shifted = level * codes.step();
      float rounded = (level + shifted) - shifted + 0x1.8p23f;
      to[toAt + i] = (byte) Float.floatToIntBits(rounded);
    }
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
    for (int i = 0; i < count; i++) {
      to[toAt + i] = rounded(type, (from[at + i] - zero) * scale);
    }
  }

  private static float rounded(ElementType type, float product) {
    return type == ElementType.BFLOAT16
        ? BFloat16.round(product)
        : type == ElementType.FLOAT16 ? Float16.round(product) : product;
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
    float[] signs = Arrays.copyOfRange(from, at, at + count);
    float[] quotients = new float[count];
    float split = step + 1;
    for (int i = 0; i < count; i++) {
      float quotient = signs[i] / divisor;
      float high = quotient * split;
      quotients[i] = high + (quotient - high);
    }
    narrowFloat8(type, signs, quotients, count, to, toAt);
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
    float[] table = codes == ElementType.FLOAT8_E4M3 ? Tables.E4M3 : Tables.E5M2;
    for (int i = 0; i < count; i++) {
      to[toAt + i] = rounded(type, table[from[at + i] & 0xFF] * scale);
    }
  }

  @Override
  public void largest(float[] from, int at, int count, int run, float[] to) {
    for (int i = 0; i * run < count; i++) {
      to[i] = RunLoops.largest(this, from, at + i * run, run);
    }
  }

  @Override
  public void nearestCodes(
      float[] from, int at, int count, int run, float[] factors, byte[] to, int toAt) {
    RunLoops.nearestCodes(from, at, count, run, factors, to, toAt);
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
    RunLoops.shiftedCodes(type, from, at, count, run, least, factors, to, toAt);
  }

  @Override
  public void runValues(
      byte[] from, int count, int run, float[] scales, ElementType type, float[] to) {
    for (int i = 0; i < count; i += run) {
      integerValues(from, i, run, scales[i / run], 0, type, to, i);
    }
  }

  @Override
  public float absMax(float[] values, int at, int count) {
    int greatest = 0;
    for (int i = at; i < at + count; i++) {
      greatest = Math.max(greatest, Float.floatToRawIntBits(values[i]) & 0x7FFF_FFFF);
    }
    return Float.intBitsToFloat(greatest);
  }

  @Override
  public float min(float[] values, int at, int count) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = at; i < at + count; i++) {
      // Twice as fast as a loop of Math.min.
      max = Math.max(max, -values[i]);
    }
    return -max;
  }

  @Override
  public float max(float[] values, int at, int count) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = at; i < at + count; i++) {
      // Adding zero changes no comparison; without it the compiler does not vectorize this loop.
      max = Math.max(max, values[i] + 0f);
    }
    return max;
  }

  @Override
  public double errors(float[] x, float[] y, int at, int count, double[] sums) {
    float[] partial = new float[3 * ErrorBlock.SUMS];
    double greatest = 0;
    int end = at + count;
    int i = at;
    for (; i <= end - ErrorBlock.NUMBERS; i += ErrorBlock.NUMBERS) {
      float most = block(x, y, i, partial);
      greatest = Math.max(greatest, ErrorBlock.add(x, y, i, partial, most, sums));
    }
    return i < end ? Math.max(greatest, ErrorBlock.exact(x, y, i, end - i, sums)) : greatest;
  }

  /** Writes the partial sums of a block and returns the greatest magnitude of a difference. */
  private static float block(float[] x, float[] y, int at, float[] partial) {
    int greatest = 0;
    for (int lane = 0; lane < ErrorBlock.SUMS; lane += GROUP) {
      float s0 = 0;
      float s1 = 0;
      float s2 = 0;
      float s3 = 0;
      float n0 = 0;
      float n1 = 0;
      float n2 = 0;
      float n3 = 0;
      float c0 = 0;
      float c1 = 0;
      float c2 = 0;
      float c3 = 0;
      for (int i = at + lane; i < at + ErrorBlock.NUMBERS; i += ErrorBlock.SUMS) {
        float x0 = x[i];
        float x1 = x[i + 1];
        float x2 = x[i + 2];
        float x3 = x[i + 3];
        float e0 = x0 - y[i];
        float e1 = x1 - y[i + 1];
        float e2 = x2 - y[i + 2];
        float e3 = x3 - y[i + 3];
        s0 += x0 * x0;
        s1 += x1 * x1;
        s2 += x2 * x2;
        s3 += x3 * x3;
        n0 += e0 * e0;
        n1 += e1 * e1;
        n2 += e2 * e2;
        n3 += e3 * e3;
        c0 += x0 * e0;
        c1 += x1 * e1;
        c2 += x2 * e2;
        c3 += x3 * e3;
        int m0 = Float.floatToRawIntBits(e0) & 0x7FFF_FFFF;
        int m1 = Float.floatToRawIntBits(e1) & 0x7FFF_FFFF;
        int m2 = Float.floatToRawIntBits(e2) & 0x7FFF_FFFF;
        int m3 = Float.floatToRawIntBits(e3) & 0x7FFF_FFFF;
        greatest = Math.max(greatest, Math.max(Math.max(m0, m1), Math.max(m2, m3)));
      }
      put(partial, lane, s0, s1, s2, s3);
      put(partial, ErrorBlock.SUMS + lane, n0, n1, n2, n3);
      put(partial, 2 * ErrorBlock.SUMS + lane, c0, c1, c2, c3);
    }
    return Float.intBitsToFloat(greatest);
  }

  private static void put(float[] to, int at, float a, float b, float c, float d) {
    to[at] = a;
    to[at + 1] = b;
    to[at + 2] = c;
    to[at + 3] = d;
  }

  /** The value of each byte. */
  private static final class Tables {
    static final float[] BYTES = new float[256];
    static final float[] E4M3 = new float[256];
    static final float[] E5M2 = new float[256];

    static {
      for (int i = 0; i < BYTES.length; i++) {
        BYTES[i] = (byte) i;
        E4M3[i] = ElementType.FLOAT8_E4M3.decode((byte) i);
        E5M2[i] = ElementType.FLOAT8_E5M2.decode((byte) i);
      }
    }
  }
}

package dev.monoquant.testkit.laws;

import static dev.monoquant.model.ElementType.BFLOAT16;
import static dev.monoquant.model.ElementType.FLOAT16;
import static dev.monoquant.model.ElementType.FLOAT32;
import static dev.monoquant.model.ElementType.FLOAT8_E4M3;
import static dev.monoquant.model.ElementType.FLOAT8_E5M2;
import static dev.monoquant.model.ElementType.INT4;
import static dev.monoquant.model.ElementType.INT5;
import static dev.monoquant.model.ElementType.UINT5;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.IntegerCodes;
import dev.monoquant.model.Kernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * The law of {@link Kernels}: every implementation gives the bits of {@link BoundKernels#JVM}, for
 * any bits of the numbers, any count and any place in the arrays, and changes nothing beside its
 * result. Every NaN counts as the same one, but where the interface says that its bits are kept.
 */
public final class KernelLaws {

  /** Elements that no kernel may touch, before and after its result. */
  private static final int MARGIN = 3;

  private KernelLaws() {}

  /**
   * Compares all kernels.
   *
   * @param kernels the implementation
   * @param numbers the bits of floats; shorts and bytes are made of them
   * @param others as many bits of other floats
   */
  public static void equalsJvm(Kernels kernels, int[] numbers, int[] others) {
    List<String> wrong = new ArrayList<>();
    results(numbers, others)
        .forEach(
            one -> {
              String expected = one.of().apply(BoundKernels.JVM);
              String actual = one.of().apply(kernels);
              if (!expected.equals(actual)) {
                wrong.add(one.name() + ":\n  jvm  " + expected + "\n  here " + actual);
              }
            });
    if (!wrong.isEmpty()) {
      throw new LawViolation(
          "equalsJvm", "kernels " + kernels.name(), String.join("\n", wrong), null);
    }
  }

  /**
   * One kernel with its arguments.
   *
   * @param name the name of the method
   * @param of calls it and describes all of its results
   */
  private record Call(String name, Function<Kernels, String> of) {}

  private static List<Call> results(int[] numbers, int[] others) {
    int n = numbers.length;
    float[] x = floats(numbers);
    float[] y = floats(others);
    short[] halves = new short[n];
    byte[] bytes = new byte[n + 2 * MARGIN];
    for (int i = 0; i < n; i++) {
      halves[i] = (short) (numbers[i] >>> 16 ^ numbers[i]);
      bytes[MARGIN + i] = (byte) (halves[i] ^ halves[i] >>> 8);
    }
    List<Call> calls = new ArrayList<>();
    calls.add(new Call("widenBFloat16", k -> raw(to -> k.widenBFloat16(halves, n, to, MARGIN), n)));
    calls.add(new Call("widenFloat16", k -> raw(to -> k.widenFloat16(halves, n, to, MARGIN), n)));
    calls.add(new Call("narrowBFloat16", k -> shorts(to -> k.narrowBFloat16(x, MARGIN, n, to), n)));
    calls.add(new Call("narrowFloat16", k -> shorts(to -> k.narrowFloat16(x, MARGIN, n, to), n)));
    for (ElementType type : List.of(FLOAT16, BFLOAT16)) {
      calls.add(new Call("round " + type, k -> inPlace(v -> k.round(type, v, n), numbers)));
    }
    calls.add(new Call("widenBytes", k -> raw(to -> k.widenBytes(bytes, MARGIN, n, to), n)));
    calls.add(new Call("lowBytes", k -> cells(to -> k.lowBytes(sums(numbers), n, to, MARGIN), n)));
    calls.add(
        new Call(
            "lowBytes of any", k -> cells(to -> k.lowBytes(inPlaceOf(numbers), n, to, MARGIN), n)));
    for (ElementType type : List.of(FLOAT8_E4M3, FLOAT8_E5M2)) {
      calls.add(
          new Call(
              "widenFloat8 " + type, k -> raw(to -> k.widenFloat8(type, bytes, MARGIN, n, to), n)));
      for (float[] values : List.of(inPlaceOf(others), near(type, others))) {
        calls.add(
            new Call(
                "narrowFloat8 " + type,
                k ->
                    cells(
                        to -> k.narrowFloat8(type, inPlaceOf(numbers), values, n, to, MARGIN), n)));
      }
    }
    calls.addAll(scaled(x, y, bytes, n));
    calls.addAll(runs(x, y, bytes, n));
    calls.add(new Call("absMax", k -> "" + k.absMax(x, MARGIN, n)));
    if (n > 0) {
      calls.add(new Call("min", k -> "" + k.min(x, MARGIN, n)));
      calls.add(new Call("max", k -> "" + k.max(x, MARGIN, n)));
    }
    calls.add(new Call("errors", k -> errors(k, x, y, n)));
    calls.add(new Call("errors of near numbers", k -> errors(k, x, nearby(x), n)));
    return calls;
  }

  /** The kernels whose numbers share a scale. */
  private static List<Call> scaled(float[] x, float[] y, byte[] bytes, int n) {
    List<Call> calls = new ArrayList<>();
    float scale = n == 0 ? 1 : Math.abs(y[MARGIN]);
    float near = BoundKernels.JVM.absMax(x, MARGIN, n) / 100;
    for (ElementType type : List.of(FLOAT16, BFLOAT16, FLOAT32)) {
      float step = type == FLOAT16 ? 0x1p13f : type == BFLOAT16 ? 0x1p16f : 1;
      for (float divisor : new float[] {scale, near}) {
        for (IntegerCodes codes :
            List.of(
                new IntegerCodes(divisor, 0, step, -128, 127),
                new IntegerCodes(divisor, -3, step, -8, 7))) {
          calls.add(
              new Call(
                  "integerCodes " + codes,
                  k -> cells(to -> k.integerCodes(x, MARGIN, n, codes, to, MARGIN), n)));
        }
      }
      calls.add(
          new Call(
              "integerValues " + type,
              k -> values(to -> k.integerValues(bytes, MARGIN, n, scale, 5, type, to, MARGIN), n)));
      for (ElementType code : List.of(FLOAT8_E4M3, FLOAT8_E5M2)) {
        calls.add(
            new Call(
                "float8Codes " + code + " " + type,
                k -> cells(to -> k.float8Codes(code, x, MARGIN, n, near, step, to, MARGIN), n)));
        calls.add(
            new Call(
                "float8Values " + code + " " + type,
                k ->
                    values(
                        to -> k.float8Values(code, bytes, MARGIN, n, scale, type, to, MARGIN), n)));
      }
    }
    return calls;
  }

  /** The kernels of runs, of whole vectors and others. */
  private static List<Call> runs(float[] x, float[] y, byte[] bytes, int n) {
    List<Call> calls = new ArrayList<>();
    float[] finite = finite(x);
    for (int run : new int[] {1, 7, 16, 32, 48, 128}) {
      int count = n / run * run;
      float[] largest = new float[count / run];
      BoundKernels.JVM.largest(finite, MARGIN, count, run, largest);
      float[] zeros = new float[largest.length];
      float[] least = new float[largest.length];
      float[] scales = Arrays.copyOfRange(y, MARGIN, MARGIN + largest.length);
      String of = " of runs of " + run;
      calls.add(
          new Call("largest" + of, k -> raw(to -> k.largest(finite, MARGIN, count, run, to), n)));
      for (int i = 0; i < least.length; i++) {
        least[i] = BoundKernels.JVM.min(finite, MARGIN + i * run, run);
      }
      float[] eighths = factors(largest, -8);
      float[] steps = factors(largest, 127);
      float[] shares = factors(ranges(finite, run, least), 31);
      calls.add(
          new Call(
              "nearestCodes" + of,
              k -> cells(to -> k.nearestCodes(finite, MARGIN, count, run, steps, to, MARGIN), n)));
      calls.add(
          new Call(
              "shiftedCodes INT4" + of,
              k ->
                  cells(
                      to ->
                          k.shiftedCodes(
                              INT4, finite, MARGIN, count, run, zeros, eighths, to, MARGIN),
                      n)));
      calls.add(
          new Call(
              "shiftedCodes UINT5" + of,
              k ->
                  cells(
                      to ->
                          k.shiftedCodes(
                              UINT5, finite, MARGIN, count, run, least, shares, to, MARGIN),
                      n)));
      calls.addAll(halves(x, count, run, n));
      for (ElementType type : List.of(FLOAT16, BFLOAT16, FLOAT32)) {
        calls.add(
            new Call(
                "runValues " + type + of,
                k -> values(to -> k.runValues(bytes, count, run, scales, type, to), n)));
      }
    }
    return calls;
  }

  /** Where a kernel of runs has to decide: exact halves and integers, and zeros of both signs. */
  private static List<Call> halves(float[] x, int count, int run, int n) {
    float[] halves = x.clone();
    float[] signs = x.clone();
    for (int i = 0; i < x.length; i++) {
      int bits = Float.floatToRawIntBits(x[i]);
      float half = (bits % 32) / 2f;
      halves[i] =
          switch (bits >>> 8 & 3) {
            case 0 -> Math.nextUp(half);
            case 1 -> Math.nextDown(half);
            default -> half;
          };
      signs[i] = Math.copySign(0, x[i]);
    }
    float[] zeros = new float[count / run];
    float[] ones = new float[count / run];
    Arrays.fill(ones, 1);
    String of = " of runs of " + run;
    return List.of(
        new Call(
            "largest of zeros" + of, k -> raw(to -> k.largest(signs, MARGIN, count, run, to), n)),
        new Call(
            "largest of halves" + of, k -> raw(to -> k.largest(halves, MARGIN, count, run, to), n)),
        new Call(
            "nearestCodes of halves" + of,
            k -> cells(to -> k.nearestCodes(halves, MARGIN, count, run, ones, to, MARGIN), n)),
        new Call(
            "shiftedCodes of halves" + of,
            k ->
                cells(
                    to -> k.shiftedCodes(INT5, halves, MARGIN, count, run, zeros, ones, to, MARGIN),
                    n)));
  }

  /** Numbers whose differences are finite, with their signs. */
  private static float[] finite(float[] x) {
    float[] finite = x.clone();
    for (int i = 0; i < x.length; i++) {
      if (!(Math.abs(x[i]) < 0x1p126f)) {
        finite[i] = Math.copySign(i % 3, x[i]);
      }
    }
    return finite;
  }

  /** Factors with which the largest numbers have a code; 1 where one may be infinite. */
  private static float[] factors(float[] largest, int code) {
    float[] factors = new float[largest.length];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = Math.abs(largest[i]) < 0x1p-100f ? 1 : 1 / (largest[i] / code);
    }
    return factors;
  }

  private static float[] ranges(float[] x, int run, float[] least) {
    float[] ranges = new float[least.length];
    for (int i = 0; i < ranges.length; i++) {
      ranges[i] = BoundKernels.JVM.max(x, MARGIN + i * run, run) - least[i];
    }
    return ranges;
  }

  /** Every NaN counts as the same one. */
  private static String values(To<float[]> call, int n) {
    float[] to = new float[n + 2 * MARGIN];
    call.write(to);
    return Arrays.toString(to);
  }

  private static String errors(Kernels kernels, float[] x, float[] y, int n) {
    double[] sums = {1, 2, 3};
    double greatest = kernels.errors(x, y, MARGIN, n, sums);
    return Arrays.toString(sums) + " " + greatest;
  }

  /** With margins of ones. */
  private static float[] floats(int[] bits) {
    float[] floats = new float[bits.length + 2 * MARGIN];
    Arrays.fill(floats, 1);
    System.arraycopy(inPlaceOf(bits), 0, floats, MARGIN, bits.length);
    return floats;
  }

  private static float[] inPlaceOf(int[] bits) {
    float[] floats = new float[bits.length];
    for (int i = 0; i < bits.length; i++) {
      floats[i] = Float.intBitsToFloat(bits[i]);
    }
    return floats;
  }

  /** Levels as they are converted to codes: 1.5 * 2^23 and an integer of 8 bits. */
  private static float[] sums(int[] bits) {
    float[] sums = new float[bits.length];
    for (int i = 0; i < bits.length; i++) {
      sums[i] = 0x1.8p23f + (byte) bits[i];
    }
    return sums;
  }

  /** Values of a type, those between two of them, and the floats beside these. */
  private static float[] near(ElementType type, int[] bits) {
    float[] near = new float[bits.length];
    for (int i = 0; i < bits.length; i++) {
      float value = type.decode((byte) bits[i]);
      float between = (value + type.decode((byte) (bits[i] + 1))) / 2;
      float chosen = (bits[i] & 0x100) == 0 ? value : between;
      near[i] =
          switch (bits[i] >>> 9 & 3) {
            case 0 -> Math.nextUp(chosen);
            case 1 -> Math.nextDown(chosen);
            default -> chosen;
          };
    }
    return near;
  }

  private static float[] nearby(float[] x) {
    float[] near = new float[x.length];
    for (int i = 0; i < near.length; i++) {
      near[i] = x[i] * (1 + (i % 7 - 3) * 0x1p-9f);
    }
    return near;
  }

  private interface To<T> {
    void write(T to);
  }

  private interface Checked<T> {
    boolean write(T to);
  }

  /** The bits of every float, and of what is beside them. */
  private static String raw(To<float[]> call, int n) {
    float[] to = new float[n + 2 * MARGIN];
    Arrays.fill(to, 2);
    call.write(to);
    return Arrays.toString(toInts(to));
  }

  private static String inPlace(To<float[]> call, int[] bits) {
    float[] values = Arrays.copyOf(inPlaceOf(bits), bits.length + MARGIN);
    call.write(values);
    return Arrays.toString(toInts(values));
  }

  private static int[] toInts(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }

  private static String shorts(Checked<short[]> call, int n) {
    short[] to = new short[n + MARGIN];
    boolean seen = call.write(to);
    return seen + " " + Arrays.toString(to);
  }

  private static String cells(To<byte[]> call, int n) {
    byte[] to = new byte[n + 2 * MARGIN];
    call.write(to);
    return Arrays.toString(to);
  }
}

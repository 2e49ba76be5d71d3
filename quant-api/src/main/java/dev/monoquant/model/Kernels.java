package dev.monoquant.model;

/**
 * The loops over every number of a tile that the JIT compiler does not vectorize by itself:
 * conversions between types of different sizes, reductions, and packing. Loops over floats alone
 * stay with their callers, since C2 compiles them to vector instructions as they are.
 *
 * <p>All kernels give the same bits, on every processor, number of lanes and Java version; {@link
 * BoundKernels#JVM} is the reference. The choice affects only speed. {@code KernelLaws} of the test
 * kit checks this.
 *
 * <p>Implementations are stateless and thread-safe. Arrays may not overlap. Arguments are not
 * checked beyond what array accesses check. What this does not do: no kernel knows about schemes.
 */
public interface Kernels {

  /** {@return the stable lower-case name, such as {@code jvm}} */
  String name();

  /** {@return the kernels to use at this moment: others as long as these are being compiled} */
  default Kernels now() {
    return this;
  }

  /**
   * Widens bfloat16 to floats, exactly; a NaN keeps its bits.
   *
   * @param from the bits, from index 0 on
   * @param count how many
   * @param to receives the floats
   * @param at index of the first float
   */
  void widenBFloat16(short[] from, int count, float[] to, int at);

  /**
   * Widens float16 to floats, exactly; every NaN has all exponent bits and its fraction shifted.
   *
   * @param from the bits, from index 0 on
   * @param count how many
   * @param to receives the floats
   * @param at index of the first float
   */
  void widenFloat16(short[] from, int count, float[] to, int at);

  /**
   * Rounds floats to bfloat16, as {@link dev.monoquant.model.BFloat16#fromFloat} does.
   *
   * @param from the floats
   * @param at index of the first float
   * @param count how many
   * @param to receives the bits, from index 0 on
   * @return whether one of the results is infinite
   */
  boolean narrowBFloat16(float[] from, int at, int count, short[] to);

  /**
   * Rounds floats to float16, as {@link dev.monoquant.model.Float16#fromFloat} does.
   *
   * @param from the floats
   * @param at index of the first float
   * @param count how many
   * @param to receives the bits, from index 0 on
   * @return whether one of the results is infinite
   */
  boolean narrowFloat16(float[] from, int at, int count, short[] to);

  /**
   * Rounds floats to the values of a type in place, as {@link ElementType#round} does.
   *
   * @param type FLOAT16 or BFLOAT16
   * @param values the floats, from index 0 on
   * @param count how many
   */
  void round(ElementType type, float[] values, int count);

  /**
   * Converts signed bytes to floats.
   *
   * @param from the bytes
   * @param at index of the first byte
   * @param count how many
   * @param to receives the floats, from index 0 on
   */
  void widenBytes(byte[] from, int at, int count, float[] to);

  /**
   * Decodes floats of 8 bits, as {@link ElementType#decode} does; NaN is the canonical one.
   *
   * @param type FLOAT8_E4M3 or FLOAT8_E5M2
   * @param from the codes
   * @param at index of the first code
   * @param count how many
   * @param to receives the floats, from index 0 on
   */
  void widenFloat8(ElementType type, byte[] from, int at, int count, float[] to);

  /**
   * Takes the lowest byte of the bits of floats: the integer v in two's complement of a float that
   * is 1.5 * 2^23 + v. The byte of a NaN is 0.
   *
   * @param from the floats, from index 0 on
   * @param count how many
   * @param to receives the bytes
   * @param at index of the first byte
   */
  void lowBytes(float[] from, int count, byte[] to, int at);

  /**
   * Encodes magnitudes as floats of 8 bits: the nearest, ties to even; beyond the greatest value
   * that value. The code of a NaN is that of the greatest value.
   *
   * @param type FLOAT8_E4M3 or FLOAT8_E5M2
   * @param signs floats with the signs of the codes, from index 0 on
   * @param values the numbers, whose signs do not matter, from index 0 on
   * @param count how many
   * @param to receives the codes
   * @param at index of the first code
   */
  void narrowFloat8(ElementType type, float[] signs, float[] values, int count, byte[] to, int at);

  /**
   * Computes integer codes of numbers that share a scale: {@code x / scale}, rounded to the digits
   * of a type; plus the zero point, rounded once more; then the nearest integer, ties to even, in a
   * range. The code of a NaN is the least one.
   *
   * <p>The loops are those of integer schemes, which describe why each rounding is exact. Sums of a
   * quotient and a zero point must be below 2^22 in magnitude, or beyond the range.
   *
   * @param from the numbers
   * @param at index of the first number
   * @param count how many
   * @param codes the scale, the zero point, the digits and the range
   * @param to receives the codes
   * @param toAt index of the first code
   */
  void integerCodes(float[] from, int at, int count, IntegerCodes codes, byte[] to, int toAt);

  /**
   * Decodes integer codes that share a scale: (code - zero point) * scale, rounded to a type.
   *
   * @param from the codes, in two's complement
   * @param at index of the first code
   * @param count how many
   * @param scale the scale
   * @param zero the zero point
   * @param type FLOAT16 or BFLOAT16, to whose values products are rounded as {@link
   *     ElementType#round} does; any other type for no rounding
   * @param to receives the numbers
   * @param toAt index of the first number
   */
  void integerValues(
      byte[] from,
      int at,
      int count,
      float scale,
      float zero,
      ElementType type,
      float[] to,
      int toAt);

  /**
   * Encodes numbers that share a divisor as floats of 8 bits: {@code x / divisor}, rounded to the
   * digits of a type and then as {@link #narrowFloat8} does. The sign is that of the number.
   *
   * @param type FLOAT8_E4M3 or FLOAT8_E5M2
   * @param from the numbers
   * @param at index of the first number
   * @param count how many
   * @param divisor the divisor, positive
   * @param step two to the power of the number of digits that float32 has more than the type of the
   *     quotients; 1 for none
   * @param to receives the codes
   * @param toAt index of the first code
   */
  void float8Codes(
      ElementType type,
      float[] from,
      int at,
      int count,
      float divisor,
      float step,
      byte[] to,
      int toAt);

  /**
   * Decodes floats of 8 bits that share a scale: code * scale, rounded to a type.
   *
   * @param codes FLOAT8_E4M3 or FLOAT8_E5M2
   * @param from the codes
   * @param at index of the first code
   * @param count how many
   * @param scale the scale
   * @param type FLOAT16 or BFLOAT16, to whose values products are rounded as {@link
   *     ElementType#round} does; any other type for no rounding
   * @param to receives the numbers
   * @param toAt index of the first number
   */
  void float8Values(
      ElementType codes,
      byte[] from,
      int at,
      int count,
      float scale,
      ElementType type,
      float[] to,
      int toAt);

  /**
   * Finds the number of the largest magnitude in each of the runs that numbers are divided into:
   * the first one of several, with its sign, and 0 without a sign of zeros alone.
   *
   * @param from the numbers, all finite
   * @param at index of the first number
   * @param count how many, a multiple of {@code run}
   * @param run the numbers of a run, at least 1
   * @param to receives a number for each run, from index 0 on
   */
  void largest(float[] from, int at, int count, int run, float[] to);

  /**
   * Computes codes of runs of numbers that share a factor: the integer nearest to {@code x *
   * factor}, halves away from zero.
   *
   * @param from the numbers
   * @param at index of the first number
   * @param count how many, a multiple of {@code run}
   * @param run the numbers of a run, at least 1
   * @param factors the factor of each run, from index 0 on; products are below 2^22 in magnitude
   * @param to receives the lowest bytes of the integers
   * @param toAt index of the first byte
   */
  void nearestCodes(float[] from, int at, int count, int run, float[] factors, byte[] to, int toAt);

  /**
   * Computes codes of runs of numbers that share a factor and a least number: {@code (x - least) *
   * factor + 1/2}, added to the distance of the type's least code from zero before it is rounded to
   * float; then the integer below, at most that of the greatest code, less the distance.
   *
   * @param type a type of codes
   * @param from the numbers
   * @param at index of the first number
   * @param count how many, a multiple of {@code run}
   * @param run the numbers of a run, at least 1
   * @param least the least number of each run, from index 0 on
   * @param factors the factor of each run, from index 0 on; sums are at least 1/2 and below 2^22
   * @param to receives the codes
   * @param toAt index of the first code
   */
  void shiftedCodes(
      ElementType type,
      float[] from,
      int at,
      int count,
      int run,
      float[] least,
      float[] factors,
      byte[] to,
      int toAt);

  /**
   * Decodes runs of integer codes that share a scale, as {@link #integerValues} with the zero point
   * 0 does.
   *
   * @param from the codes, in two's complement, from index 0 on
   * @param count how many, a multiple of {@code run}
   * @param run the codes of a run, at least 1
   * @param scales the scale of each run, from index 0 on
   * @param type as for {@code integerValues}
   * @param to receives the numbers, from index 0 on
   */
  void runValues(byte[] from, int count, int run, float[] scales, ElementType type, float[] to);

  /**
   * {@return the largest magnitude, 0 of no values; a NaN if there is one}
   *
   * @param values the floats
   * @param at index of the first
   * @param count how many
   */
  float absMax(float[] values, int at, int count);

  /**
   * {@return the smallest value, as {@link Math#min(float, float)} orders them: -0 is below 0; a
   * NaN if there is one}
   *
   * @param values the floats
   * @param at index of the first
   * @param count how many, at least 1
   */
  float min(float[] values, int at, int count);

  /**
   * {@return the largest value; never -0; a NaN if there is one}
   *
   * @param values the floats
   * @param at index of the first
   * @param count how many, at least 1
   */
  float max(float[] values, int at, int count);

  /**
   * Measures differences e = x - y of two rows and adds the sums of x * x, e * e and x * e.
   *
   * <p>The order of the additions and their types are fixed: {@link ErrorBlock} shows them. What is
   * left at the end of a row is added numbers at even and at odd positions apart. Products and sums
   * are rounded one by one, never fused.
   *
   * @param x the originals
   * @param y the decoded values
   * @param at index of the first in both
   * @param count how many
   * @param sums the sums of x * x, e * e and x * e are added to its first three elements
   * @return the greatest magnitude of e, rounded to float at most; NaN if a number is not finite
   */
  double errors(float[] x, float[] y, int at, int count, double[] sums);
}

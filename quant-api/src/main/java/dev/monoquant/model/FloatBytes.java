package dev.monoquant.model;

import static java.util.Objects.checkFromIndexSize;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.ShortBuffer;

/**
 * Converts between the little-endian bytes of a tensor and an array of floats.
 *
 * <p>Types: {@link ElementType#FLOAT16}, {@link ElementType#BFLOAT16}, {@link ElementType#FLOAT32}
 * and {@link ElementType#FLOAT64}, the types with {@link ElementType#isQuantizable()}. Rounding is
 * to nearest, ties to even. A FLOAT32 keeps all its bits, including those of a NaN.
 *
 * <p>What this does not do: it throws nothing for values out of range. It returns the index of the
 * first finite value that became infinite; the caller knows the name of the tensor. Thread-safe;
 * the buffers' positions do not move.
 */
public final class FloatBytes {

  /** Returned by both directions if no finite value became infinite. */
  public static final int NONE = -1;

  /**
   * Numbers per bulk copy: small enough for the nearest cache, large enough to amortise the call.
   */
  private static final int CHUNK = 2048;

  private FloatBytes() {}

  /**
   * Reads numbers as floats: FLOAT16 and BFLOAT16 exactly, FLOAT64 rounded.
   *
   * @param type the type of the numbers in the buffer
   * @param from little-endian bytes, independent of the buffer's byte order; read from {@code
   *     position()} on; the position does not change
   * @param to the array that receives the floats
   * @param at index of the first float in {@code to}
   * @param count how many
   * @return the index (0 to count - 1) of the first finite double that is beyond float32 and became
   *     infinite, or {@link #NONE}
   * @throws IllegalArgumentException for any other type
   * @throws IndexOutOfBoundsException if the buffer or the array is too short
   */
  public static int widen(ElementType type, ByteBuffer from, float[] to, int at, int count) {
    requireFloat(type);
    checkFromIndexSize(at, count, to.length);
    int bytes = Math.multiplyExact(count, type.cellBytes());
    ByteBuffer source = from.slice(from.position(), bytes).order(ByteOrder.LITTLE_ENDIAN);
    switch (type) {
      case FLOAT32 -> source.asFloatBuffer().get(to, at, count);
      case FLOAT64 -> {
        return widenDoubles(source.asDoubleBuffer(), to, at, count);
      }
      default -> widenHalves(type, source.asShortBuffer(), to, at, count);
    }
    return NONE;
  }

  /**
   * Writes floats as numbers of a type: FLOAT32 and FLOAT64 exactly, the others rounded.
   *
   * @param type the type to write
   * @param from the floats
   * @param at index of the first
   * @param count how many
   * @param to the array that receives the bytes, little-endian
   * @param toAt index of the first byte in {@code to}
   * @return the index (0 to count - 1) of the first finite float that is beyond the type and became
   *     infinite, or {@link #NONE}
   * @throws IllegalArgumentException for any other type
   * @throws IndexOutOfBoundsException if one of the arrays is too short
   */
  public static int narrow(ElementType type, float[] from, int at, int count, byte[] to, int toAt) {
    requireFloat(type);
    checkFromIndexSize(at, count, from.length);
    int bytes = Math.multiplyExact(count, type.cellBytes());
    ByteBuffer target = ByteBuffer.wrap(to, toAt, bytes).slice().order(ByteOrder.LITTLE_ENDIAN);
    switch (type) {
      case FLOAT32 -> target.asFloatBuffer().put(from, at, count);
      case FLOAT64 -> {
        DoubleBuffer doubles = target.asDoubleBuffer();
        for (int i = 0; i < count; i++) {
          doubles.put(i, from[at + i]);
        }
      }
      default -> {
        return narrowHalves(type, from, at, count, target.asShortBuffer());
      }
    }
    return NONE;
  }

  private static void widenHalves(
      ElementType type, ShortBuffer source, float[] to, int at, int count) {
    Kernels kernels = BoundKernels.current();
    short[] chunk = new short[Math.min(count, CHUNK)];
    for (int done = 0; done < count; done += chunk.length) {
      int n = Math.min(chunk.length, count - done);
      source.get(chunk, 0, n);
      if (type == ElementType.BFLOAT16) {
        kernels.widenBFloat16(chunk, n, to, at + done);
      } else {
        kernels.widenFloat16(chunk, n, to, at + done);
      }
    }
  }

  private static int widenDoubles(DoubleBuffer source, float[] to, int at, int count) {
    int first = NONE;
    double[] chunk = new double[Math.min(count, CHUNK)];
    for (int done = 0; done < count; done += chunk.length) {
      int n = Math.min(chunk.length, count - done);
      source.get(chunk, 0, n);
      for (int i = 0; i < n; i++) {
        float value = (float) chunk[i];
        to[at + done + i] = value;
        if (Float.isInfinite(value) && first == NONE && !Double.isInfinite(chunk[i])) {
          first = done + i;
        }
      }
    }
    return first;
  }

  private static int narrowHalves(
      ElementType type, float[] from, int at, int count, ShortBuffer target) {
    Kernels kernels = BoundKernels.current();
    int first = NONE;
    int infinity = type == ElementType.BFLOAT16 ? 0x7F80 : 0x7C00;
    short[] chunk = new short[Math.min(count, CHUNK)];
    for (int done = 0; done < count; done += chunk.length) {
      int n = Math.min(chunk.length, count - done);
      boolean infinite =
          type == ElementType.BFLOAT16
              ? kernels.narrowBFloat16(from, at + done, n, chunk)
              : kernels.narrowFloat16(from, at + done, n, chunk);
      for (int i = 0; infinite && first == NONE && i < n; i++) {
        if ((chunk[i] & 0x7FFF) == infinity && !Float.isInfinite(from[at + done + i])) {
          first = done + i;
        }
      }
      target.put(chunk, 0, n);
    }
    return first;
  }

  private static void requireFloat(ElementType type) {
    if (!type.isQuantizable()) {
      throw new IllegalArgumentException(
          type.wire() + " is no floating point type; F16, BF16, F32 and F64 are");
    }
  }
}

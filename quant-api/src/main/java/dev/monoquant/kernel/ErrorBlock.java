package dev.monoquant.kernel;

/**
 * The blocks in which {@link Kernels#errors} adds up squares in float before it continues in
 * double: an addition in double of each number would take several times as long.
 *
 * <pre>
 *   number   0  1  ...  15 | 16  17 ...  31 | ... | 240 ... 255
 *   sum      0  1  ...  15 |  0   1 ...  15 | ... |   0 ...  15     each of 16 numbers, in float
 *   block    ((0 + 1) + 2) + ... + 15                               in double
 * </pre>
 */
public final class ErrorBlock {

  /** Numbers of a block. */
  public static final int NUMBERS = 256;

  /** Partial sums of a block; the lanes of every processor divide them. */
  public static final int SUMS = 16;

  private static final double LEAST = 0x1p-60;
  private static final double GREATEST = 0x1p100;

  private ErrorBlock() {}

  /**
   * {@return whether the sums of a block are those of numbers whose squares neither overflow float
   * nor vanish; otherwise the block is computed in double. False if a number is NaN}
   *
   * @param signal the sum of the squares of the originals
   * @param noise the sum of the squares of the differences
   * @param greatest the greatest magnitude of a difference
   */
  public static boolean isWithinFloat(double signal, double noise, float greatest) {
    return signal >= LEAST
        && signal <= GREATEST
        && noise <= GREATEST
        && (noise > 0 || greatest == 0);
  }
}

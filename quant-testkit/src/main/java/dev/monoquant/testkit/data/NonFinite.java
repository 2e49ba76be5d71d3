package dev.monoquant.testkit.data;

import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** NaN and infinities, for tests of policies; a scheme never receives one. */
public final class NonFinite {

  private static final List<Float> KINDS =
      List.of(
          Float.NaN,
          Float.POSITIVE_INFINITY,
          Float.NEGATIVE_INFINITY,
          // A signalling NaN, which some copies change to a quiet NaN.
          Float.intBitsToFloat(0x7F80_0001));

  private NonFinite() {}

  /**
   * A copy with some values replaced by NaN and infinities of either sign.
   *
   * @param values at least one value
   * @param seed selects the replaced values; the same seed gives the same copy
   * @return the copy, with at least one value that is not finite
   */
  public static float[] planted(float[] values, long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    float[] copy = values.clone();
    int count = 1 + random.nextInt(Math.min(4, values.length));
    for (int i = 0; i < count; i++) {
      copy[random.nextInt(copy.length)] = KINDS.get(random.nextInt(KINDS.size()));
    }
    return copy;
  }
}

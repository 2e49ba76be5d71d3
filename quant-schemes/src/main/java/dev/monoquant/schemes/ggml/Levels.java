package dev.monoquant.schemes.ggml;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.tile.Part;

/** The 16 levels of IQ4_NL and IQ4_XS, closer to each other near zero. */
final class Levels {

  private static final String TABLE = "table";

  private static final byte[] LEVELS = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  /** The first level. */
  static final int FIRST = LEVELS[0];

  /** The index of the nearest level for each half, from the first level on. */
  private static final byte[] NEAREST = nearest();

  private Levels() {}

  private static byte[] nearest() {
    byte[] nearest = new byte[2 * (LEVELS[LEVELS.length - 1] - FIRST) + 1];
    int level = 0;
    for (int i = 0; i < nearest.length; i++) {
      // Twice the middle of two levels is their sum; a middle belongs to the upper one.
      while (level + 1 < LEVELS.length && i + 2 * FIRST >= LEVELS[level] + LEVELS[level + 1]) {
        level++;
      }
      nearest[i] = (byte) level;
    }
    return nearest;
  }

  /**
   * {@return the index of the nearest level, of the upper one of two equally near}
   *
   * @param x a number; NaN is taken as 0
   */
  static int index(float x) {
    // All middles are multiples of a half: the whole number of halves decides.
    float halves = x * 2;
    int below = (int) halves;
    below -= halves < below ? 1 : 0;
    return NEAREST[GgmlScheme.clamp(below - 2 * FIRST, 0, NEAREST.length - 1)];
  }

  /** {@return a level} */
  static float level(int index) {
    return LEVELS[index];
  }

  /** {@return the part with the levels} */
  static Part part() {
    return new Part(TABLE, ElementType.FLOAT32, new Part.Whole(TensorShape.of(LEVELS.length)));
  }

  /** {@return the bytes of the levels} */
  static byte[] bytes() {
    float[] levels = new float[LEVELS.length];
    for (int i = 0; i < levels.length; i++) {
      levels[i] = LEVELS[i];
    }
    return part().toBytes(levels);
  }
}

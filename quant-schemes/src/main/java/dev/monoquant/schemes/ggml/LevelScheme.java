package dev.monoquant.schemes.ggml;

import dev.monoquant.model.ElementType;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Codes that are indices of {@link Levels}, in groups of 32 columns. */
abstract class LevelScheme extends GgmlScheme {

  /** Columns of a group. */
  static final int GROUP = 32;

  private static final int TRIES = 7;

  /**
   * @param name the name, such as {@code iq4-nl}
   * @param block columns of a block
   */
  LevelScheme(String name, int block) {
    super(name, 4, true, GROUP, block, true);
  }

  @Override
  final Map<String, byte[]> whole() {
    return Map.of(Levels.part().name(), Levels.bytes());
  }

  /** {@return the part with the codes} */
  static Part codes() {
    return codes(ElementType.UINT4);
  }

  /**
   * Weights of the values of a block: squares, or by importance with twice the mean of the squares
   * of the block.
   *
   * @param tile the values
   * @param at the first value of the block
   * @param importance the importance of each column; null if all are equal
   * @param weights receives a weight for each value of the block
   */
  static void weigh(Tile tile, int at, float @Nullable [] importance, float[] weights) {
    float[] x = tile.values();
    int count = weights.length;
    if (importance != null) {
      float variance = squares(x, at, count) * (2f / count);
      weigh(x, at, count, importance, at % tile.cols(), variance, weights, 0);
      return;
    }
    for (int i = 0; i < count; i++) {
      weights[i] = x[at + i] * x[at + i];
    }
  }

  /**
   * Finds the scale of a group.
   *
   * @param x the values
   * @param at the first value of the group
   * @param weights the weights
   * @param weightAt the first weight
   * @return the scale; 0 if all magnitudes are negligible
   */
  static float search(float[] x, int at, float[] weights, int weightAt) {
    float largest = largest(x, at, GROUP);
    if (Math.abs(largest) < NEGLIGIBLE) {
      return 0;
    }
    float scale = 0;
    float best = 0;
    for (int k = -TRIES - 1; k <= TRIES; k++) {
      boolean first = k < -TRIES;
      float inverse = first ? 1 / (-largest / Levels.FIRST) : (k + Levels.FIRST) / largest;
      float product = 0;
      float square = 0;
      for (int i = 0; i < GROUP; i++) {
        float value = x[at + i];
        float level = Levels.level(Levels.index(inverse * value));
        float weighted = weights[weightAt + i] * level;
        product += weighted * value;
        square += weighted * level;
      }
      if (first) {
        scale = square > 0 ? product / square : 0;
        best = scale * product;
      } else if (square > 0 && product * product > best * square) {
        scale = product / square;
        best = scale * product;
      }
    }
    return scale;
  }

  /**
   * Chooses the codes of a group.
   *
   * @param x the values
   * @param at the first value of the group
   * @param scale the scale, perhaps 0
   * @param codes receives the codes, at the places of the values
   */
  static void choose(float[] x, int at, float scale, byte[] codes) {
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (int i = at; i < at + GROUP; i++) {
      codes[i] = (byte) Levels.index(inverse * x[i]);
    }
  }
}

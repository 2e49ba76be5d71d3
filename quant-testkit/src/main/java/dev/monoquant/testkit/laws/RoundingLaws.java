package dev.monoquant.testkit.laws;

import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.data.Representable;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.util.Optional;
import java.util.TreeSet;

/** Laws for the rounding of values between two codes. */
public final class RoundingLaws {

  /** Divisible by every common group size. */
  private static final int COLS = 1024;

  private RoundingLaws() {}

  /**
   * A value halfway between two adjacent codes rounds to the even code. With asymmetric options,
   * all such values round to codes of one parity, because other libraries differ in whether they
   * count from the zero point.
   *
   * <p>To find such values: rows that contain plus and minus an anchor have the same scale,
   * whatever their other values. For anchors near the greatest code, that scale is a power of two
   * in the common formulas; the decoded levels show whether it is. Then the midpoints of adjacent
   * levels are exact, and no division or product adds an error. The law does not apply to a scheme
   * whose levels are not evenly spaced, or whose scale is a power of two for none of the anchors.
   *
   * @param c an accepted case; only its type and options are used, not its values
   */
  public static void tiesGoToEven(SchemeCase c) {
    int bits = c.options().find(CommonOptions.BITS).orElse(0);
    if (bits < 2 || bits > 8) {
      throw new NotApplicable(
          "tiesGoToEven", "codes of " + bits + " bits are more than this law tests");
    }
    boolean judged = false;
    int half = 1 << (bits - 1);
    for (float anchor : new float[] {half - 0.5f, half - 1, half}) {
      float[] levels = levels(c, anchor);
      if (isEven(levels, c.weight().type())) {
        judged |= requireEven(c, anchor, levels);
      }
    }
    if (!judged) {
      throw new NotApplicable(
          "tiesGoToEven", "no row tried has a step between levels that is a power of two");
    }
  }

  /** The decoded levels between two anchors; empty if the scheme refuses such a weight. */
  private static float[] levels(SchemeCase c, float anchor) {
    float[] between = new float[COLS / 2];
    for (int i = 0; i < between.length; i++) {
      between[i] = Representable.clamp(c.weight().type(), anchor * (2f * i / between.length - 1));
    }
    SchemeCase grid = between(c, anchor, between);
    if (!grid.accepted() || Parts.integerCodes(grid.encoding()).isEmpty()) {
      return new float[0];
    }
    TreeSet<Float> levels = new TreeSet<>();
    for (float value : grid.decode(grid.quantize())) {
      levels.add(value == 0 ? 0f : value);
    }
    float[] sorted = new float[levels.size()];
    int next = 0;
    for (float level : levels) {
      sorted[next++] = level;
    }
    return sorted;
  }

  /** Whether levels are a power of two apart, and the type represents their midpoints. */
  private static boolean isEven(float[] levels, ElementType type) {
    if (levels.length < 3) {
      return false;
    }
    double step = (double) levels[1] - levels[0];
    if (Double.doubleToLongBits(step) << 12 != 0) {
      return false;
    }
    for (int i = 1; i < levels.length; i++) {
      double middle = levels[i] - step / 2;
      if ((double) levels[i] - levels[i - 1] != step
          || (float) middle != middle
          || !Representable.isIn(type, (float) middle)) {
        return false;
      }
    }
    return true;
  }

  /** Whether all midpoints were ties. */
  private static boolean requireEven(SchemeCase c, float anchor, float[] levels) {
    float[] middles = new float[COLS / 2];
    for (int i = 0; i < middles.length; i++) {
      int low = i % (levels.length - 1);
      middles[i] = (float) (((double) levels[low] + levels[low + 1]) / 2);
    }
    SchemeCase ties = between(c, anchor, middles);
    EncodedTile tile = ties.quantize();
    float[] decoded = ties.decode(tile);
    Optional<Part> codes = Parts.integerCodes(ties.encoding());
    int parity = 0;
    for (int i = 0; i < middles.length; i++) {
      int col = column(i);
      float away = Math.abs(decoded[col] - middles[i]);
      if (codes.isEmpty() || away != (levels[1] - levels[0]) / 2) {
        return false; // The midpoints changed the scale, or an end was clipped: no tie.
      }
      int code = Parts.code(codes.get().type(), tile.part(Part.CODES)[col]);
      parity =
          i == 0 && !c.options().find(CommonOptions.SYMMETRIC).orElse(true) ? code & 1 : parity;
      if ((code & 1) != parity) {
        throw new LawViolation(
            "tiesGoToEven",
            c,
            "%s is halfway between the levels %s and %s and gets the code %d, in a row from %s to %s"
                .formatted(
                    middles[i],
                    levels[i % (levels.length - 1)],
                    levels[i % (levels.length - 1) + 1],
                    code,
                    -anchor,
                    anchor));
      }
    }
    return true;
  }

  /** Rows that repeat anchor, -anchor and two values: each group of four has both anchors. */
  private static SchemeCase between(SchemeCase c, float anchor, float[] numbers) {
    int height = alignment(c);
    float[] values = new float[height * COLS];
    for (int row = 0; row < height; row++) {
      for (int i = 0; i < numbers.length; i++) {
        values[row * COLS + i / 2 * 4] = anchor;
        values[row * COLS + i / 2 * 4 + 1] = -anchor;
        values[row * COLS + column(i)] = numbers[i];
      }
    }
    WeightSample weight = WeightSample.of(c.weight().type(), height, COLS, values);
    return c.on(weight);
  }

  private static int column(int i) {
    return i / 2 * 4 + 2 + i % 2;
  }

  private static int alignment(SchemeCase c) {
    try {
      return c.encoding().rowAlignment();
    } catch (QuantException e) {
      return 1;
    }
  }
}

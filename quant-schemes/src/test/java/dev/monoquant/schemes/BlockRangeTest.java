package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Wherever in a block the end of its range is, it is found; what is around the block does not
 * count.
 */
class BlockRangeTest {

  private static final int AROUND = 5;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 511, 513, 1023, 1024, 1025, 1535, 1536, 1537, 2100})
  void theEndsAreFoundWhereverTheyAre(int count) {
    SplittableRandom random = new SplittableRandom(count);
    float[] least = new float[3];
    float[] greatest = new float[3];
    for (int at = 0; at < count; at++) {
      float[] values = new float[count + 2 * AROUND];
      Arrays.fill(values, Float.NaN);
      for (int i = 0; i < count; i++) {
        values[AROUND + i] = (float) random.nextDouble(-1, 1);
      }
      values[AROUND + at] = 2;
      assertThat(new BlockRange().absMax(values, AROUND, count)).isEqualTo(2);
      new BlockRange().find(values, AROUND, count, least, greatest, 1);
      assertThat(greatest[1]).isEqualTo(2);
      assertThat(least[1]).isEqualTo(count == 1 ? 2 : plainMin(values, count));
      values[AROUND + at] = -3;
      assertThat(new BlockRange().absMax(values, AROUND, count)).isEqualTo(3);
      new BlockRange().find(values, AROUND, count, least, greatest, 1);
      assertThat(least[1]).isEqualTo(-3);
    }
    assertThat(least[0]).isZero();
    assertThat(greatest[2]).isZero();
  }

  private static float plainMin(float[] values, int count) {
    float min = values[AROUND];
    for (int i = 1; i < count; i++) {
      min = values[AROUND + i] < min ? values[AROUND + i] : min;
    }
    return min;
  }
}

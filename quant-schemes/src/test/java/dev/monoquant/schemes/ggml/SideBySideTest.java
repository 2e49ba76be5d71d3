package dev.monoquant.schemes.ggml;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** Groups that are searched side by side have the numbers of those that are searched alone. */
class SideBySideTest {

  private static final int SIZE = 16;

  @Property(tries = 300)
  void rangesAreThoseOfEachGroup(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 600) int groups, @ForAll boolean plain) {
    float[] x = values(seed, groups);
    float[] weights = weights(seed, groups);
    int last = plain ? 3 : 15;
    RangeSearch many = new RangeSearch(SIZE, last, -0.9f, 0.05f, 36, plain);
    RangeSearch one = new RangeSearch(SIZE, last, -0.9f, 0.05f, 36, plain);
    byte[] codes = new byte[x.length];
    byte[] alone = new byte[x.length];
    float[] scales = new float[groups];
    float[] scalesAlone = new float[groups];
    float[] minimums = new float[groups];
    float[] minimumsAlone = new float[groups];
    many.groups(x, SIZE, weights, groups, codes, scales, minimums);
    for (int group = 0; group < groups; group++) {
      one.group(x, (1 + group) * SIZE, weights, group, alone, scalesAlone, minimumsAlone);
    }
    assertThat(codes).isEqualTo(alone);
    assertThat(bits(scales)).isEqualTo(bits(scalesAlone));
    assertThat(bits(minimums)).isEqualTo(bits(minimumsAlone));
  }

  @Property(tries = 300)
  void signedScalesAreThoseOfEachGroup(
      @ForAll long seed, @ForAll @IntRange(min = 1, max = 600) int groups, @ForAll boolean wide) {
    float[] x = values(seed, groups);
    float[] weights = weights(seed, groups);
    int most = wide ? 32 : 4;
    byte[] codes = new byte[x.length];
    byte[] alone = new byte[x.length];
    float[] scales = new float[groups];
    float[] scalesAlone = new float[groups];
    new SignedSearch(SIZE, most).groups(x, SIZE, weights, groups, codes, scales);
    for (int group = 0; group < groups; group++) {
      int at = (1 + group) * SIZE;
      scalesAlone[group] = ScaleSearch.signed(x, at, SIZE, most, weights, group * SIZE, alone);
    }
    assertThat(codes).isEqualTo(alone);
    assertThat(bits(scales)).isEqualTo(bits(scalesAlone));
  }

  /** Groups of zeros, of one sign, with an outlier, of tiny and of huge numbers, after one more. */
  private static float[] values(long seed, int groups) {
    Random random = new Random(seed);
    float[] x = new float[(1 + groups) * SIZE];
    for (int group = 0; group <= groups; group++) {
      int kind = random.nextInt(8);
      float size = Math.scalb(1f, random.nextInt(kind == 7 ? 240 : 20) - (kind == 7 ? 149 : 10));
      for (int i = group * SIZE; i < (group + 1) * SIZE; i++) {
        float value = (float) random.nextGaussian() * size;
        x[i] =
            switch (kind) {
              case 0 -> random.nextBoolean() ? 0f : -0f;
              case 1 -> Math.abs(value);
              case 2 -> -Math.abs(value) - size;
              case 3 -> size;
              case 4 -> random.nextInt(SIZE) == 0 ? value * 1000 : value;
              case 5 -> -size - random.nextInt(2) * Math.ulp(size);
              default -> value;
            };
      }
    }
    return x;
  }

  private static float[] weights(long seed, int groups) {
    Random random = new Random(seed + 1);
    float[] weights = new float[groups * SIZE];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = random.nextInt(5) == 0 ? 0 : random.nextFloat();
    }
    return weights;
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }
}

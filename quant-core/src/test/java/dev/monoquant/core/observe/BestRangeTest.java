package dev.monoquant.core.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;

/** The range for codes of 8 bits is the best of all. */
class BestRangeTest {

  private static final int BINS = 24;

  /** The definition, bin by bin. */
  private static double error(double[] bins, double least, double width, double low, double high) {
    double step = (Math.max(high, 0) - Math.min(low, 0)) / 255;
    double error = 0;
    for (int i = 0; i < bins.length; i++) {
      double middle = least + (i + 0.5) * width;
      double outside = middle < low ? low - middle : middle > high ? middle - high : 0;
      error += bins[i] * (outside * outside + step * step / 12);
    }
    return error;
  }

  @Property
  void noOtherEndsOfBinsAreBetter(
      @ForAll long seed, @ForAll @DoubleRange(min = -9, max = 3) double least) {
    Random random = new Random(seed);
    double greatest = least + 0.5 + 10 * random.nextDouble();
    double width = (greatest - least) / BINS;
    double[] bins = new double[BINS];
    for (int i = 0; i < BINS; i++) {
      bins[i] = Math.floor(Math.exp(12 * random.nextDouble()) - 1);
    }
    double[] range = BestRange.of(bins, least, greatest);
    double found = error(bins, least, width, range[0], range[1]);
    for (int from = 0; from < BINS; from++) {
      for (int to = from + 1; to <= BINS; to++) {
        double low = least + from * width;
        double high = least + to * width;
        boolean allowed = (low <= 0 || from == 0) && (high >= 0 || to == BINS);
        if (allowed) {
          double other = error(bins, least, width, low, high);
          assertThat(found).isLessThanOrEqualTo(other * (1 + 1e-9) + 1e-9);
        }
      }
    }
  }

  @Test
  void rareOutliersAreCutOff() {
    double[] bins = new double[2048];
    for (int i = 0; i < 200; i++) {
      bins[i] = 1e6;
    }
    bins[2047] = 1;
    double[] range = BestRange.of(bins, 0, 2048);
    assertThat(range[0]).isZero();
    assertThat(range[1]).isBetween(200.0, 400.0);
  }

  @Test
  void withoutNumbersTheRangeStays() {
    assertThat(BestRange.of(new double[8], -1, 3))
        .containsExactly(new double[] {-1, 3}, within(0.0));
  }
}

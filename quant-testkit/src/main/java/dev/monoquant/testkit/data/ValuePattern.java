package dev.monoquant.testkit.data;

import java.util.random.RandomGenerator;

/**
 * Ways to fill a weight. Each has caused an error in a quantizer.
 *
 * <p>All values are finite float32; {@link WeightSample} rounds them to values of the weight's
 * type.
 */
public enum ValuePattern {
  /** Normally distributed with a standard deviation of 0.05, like trained weights. */
  NORMAL {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return (float) (0.05 * random.nextGaussian());
    }
  },
  /** All +0: a pruned layer; the range is zero. */
  ZEROS {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return 0;
    }
  },
  /** Zeros of both signs. */
  SIGNED_ZEROS {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return random.nextBoolean() ? 0f : -0f;
    }
  },
  /** One value throughout each row: minimum and maximum are equal. */
  CONSTANT_ROWS {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return (row % 2 == 0 ? 1 : -1) * (row + 1) * 0.3f;
    }
  },
  /** Mostly zeros, with some rows of only zeros. */
  SPARSE {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return row % 3 != 0 && random.nextInt(8) == 0 ? (float) random.nextGaussian() : 0;
    }
  },
  /** Normal, with one value in thirty multiplied by 100: coarse steps for all others. */
  OUTLIERS {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return (float) (random.nextGaussian() * (random.nextInt(30) == 0 ? 5 : 0.05));
    }
  },
  /** Positive only: a zero point at one end of the codes. */
  POSITIVE {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return 0.25f + random.nextFloat();
    }
  },
  /** Negative only: a zero point at the other end. */
  NEGATIVE {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return -0.25f - random.nextFloat();
    }
  },
  /**
   * Alternating plus and minus one magnitude: every code is at an end of the range, where signs may
   * wrap.
   */
  EXTREMES {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return col % 2 == 0 ? 1.5f : -1.5f;
    }
  },
  /** Multiples of 1/2 up to 127.5: many are ties, which reveal the rounding mode. */
  TIES {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return switch (col) {
        case 0 -> 127.5f;
        case 1 -> -127.5f;
        default -> (random.nextInt(511) - 255) / 2f;
      };
    }
  },
  /**
   * Magnitudes from 1e-30 to 1e30, a different one for each row: the scale of another row is wrong.
   */
  ROW_MAGNITUDES {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return (float) (random.nextGaussian() * Math.pow(10, (row * 7) % 61 - 30));
    }
  },
  /** Below the least normal float32: scales underflow, reciprocals overflow. */
  SUBNORMAL {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return (random.nextInt(2001) - 1000) * Float.MIN_VALUE;
    }
  },
  /** Up to the greatest float32 of either sign: the width of the range overflows. */
  HUGE {
    @Override
    float at(RandomGenerator random, int row, int col) {
      return Float.MAX_VALUE * (2 * random.nextFloat() - 1);
    }
  };

  abstract float at(RandomGenerator random, int row, int col);
}

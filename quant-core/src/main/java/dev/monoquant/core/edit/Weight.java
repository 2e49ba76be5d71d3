package dev.monoquant.core.edit;

import dev.monoquant.core.run.CodedSample;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.InputStatistics;

/**
 * A weight of a group that will be quantized.
 *
 * @param matrix its rows and columns in the input
 * @param sample encodes some of its rows
 * @param statistics those of the inputs of its layer, as wide as the weight
 */
record Weight(WeightMatrix matrix, CodedSample sample, InputStatistics statistics) {

  /** How many of a number of rows are looked at, at equal distances. */
  static int sampled(long rows, int most) {
    long step = Math.max(1, (rows + most - 1) / most);
    return Math.toIntExact((rows + step - 1) / step);
  }
}

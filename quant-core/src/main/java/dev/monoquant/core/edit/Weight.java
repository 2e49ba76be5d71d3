package dev.monoquant.core.edit;

import dev.monoquant.core.run.CodedSample;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.InputStatistics;
import java.util.function.Supplier;

/**
 * A weight of a group that will be quantized.
 *
 * @param matrix its rows and columns in the input
 * @param rows how many of its rows are looked at, at equal distances
 * @param sample encodes these rows
 * @param statistics finds those of the inputs of its layer, as wide as the weight; they are not
 *     kept for all weights of a model
 */
record Weight(
    WeightMatrix matrix, int rows, CodedSample sample, Supplier<InputStatistics> statistics) {

  /** How many of a number of rows are looked at. */
  static int sampled(long rows, int most) {
    long step = step(rows, most);
    return Math.toIntExact((rows + step - 1) / step);
  }

  /** The distance of the rows that are looked at. */
  static long step(long rows, int most) {
    return Math.max(1, (rows + most - 1) / most);
  }
}

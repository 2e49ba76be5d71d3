package dev.monoquant.testkit.contracts;

import dev.monoquant.QuantException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.tile.Granularity;

/**
 * The number of rows and columns that share a scale at a scheme's own defaults.
 *
 * @param rows 1 if each row has its own scale
 * @param cols 1 if all columns of a row share one scale
 */
record GroupShape(int rows, int cols) {

  /** A weight whose columns nearly every group size divides: 2 to the 12th times 3 times 5. */
  private static final WeightMatrix LARGE =
      new WeightMatrix(
          "sample",
          LayerKind.LINEAR,
          "weight",
          new TensorInfo("sample.weight", ElementType.FLOAT32, TensorShape.of(4096, 61_440)),
          0);

  /** The group shape at the defaults of a scheme. */
  static GroupShape of(Scheme scheme) {
    Granularity granularity = granularity(scheme);
    if (granularity instanceof Granularity.PerGroup group) {
      return new GroupShape(1, group.size());
    }
    return granularity instanceof Granularity.PerBlock block
        ? new GroupShape(block.rows(), block.cols())
        : new GroupShape(1, 1);
  }

  private static Granularity granularity(Scheme scheme) {
    try {
      return SchemeCase.defaults(scheme, LARGE)
          .find(CommonOptions.GRANULARITY)
          .orElse(Granularity.CHANNEL);
    } catch (QuantException refused) {
      return Granularity
          .CHANNEL; // The scheme refuses such a weight; the hooks must declare a suitable one.
    }
  }
}

package dev.monoquant.schemes.ggml;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.testkit.contracts.SchemeContract;
import java.util.ArrayList;
import java.util.List;

/** The contract of schemes for the tests of ggml's: with and without importance. */
interface GgmlContract extends SchemeContract {

  @Override
  default List<OptionValues> options(WeightMatrix rows) {
    List<OptionValues> all = new ArrayList<>(SchemeContract.super.options(rows));
    if (subject().options().contains(GgmlScheme.IMPORTANCE)) {
      all.add(all.get(0).with(GgmlScheme.IMPORTANCE, true));
    }
    return all;
  }

  /** Two blocks at most, since the search for scales takes time. */
  @Override
  default int maxCols() {
    return 2 * Math.max(64, colMultiple());
  }

  @Override
  default int maxRows() {
    return 2;
  }

  /** A block of zeros has the scale 0, as in ggml. */
  @Override
  default boolean allowsZeroScales() {
    return true;
  }

  /** Halves go up, or the scale that is divided by is rounded before. */
  @Override
  default boolean roundsToEven() {
    return false;
  }
}

package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.testkit.contracts.SchemeContract;
import dev.monoquant.tile.Granularity;
import java.util.ArrayList;
import java.util.List;

/** What holds for integer schemes of all widths. */
interface IntegerContract extends SchemeContract {

  @Override
  default int colMultiple() {
    return 128;
  }

  @Override
  default boolean computesBothWays() {
    return true;
  }

  @Override
  default List<OptionValues> options(WeightMatrix rows) {
    List<OptionValues> all = new ArrayList<>();
    for (boolean symmetric : new boolean[] {true, false}) {
      for (Granularity granularity :
          List.of(
              Granularity.TENSOR,
              Granularity.CHANNEL,
              Granularity.group(32),
              Granularity.group(128),
              Granularity.block(3, 40))) {
        all.add(
            subject()
                .defaults(rows)
                .with(CommonOptions.SYMMETRIC, symmetric)
                .with(CommonOptions.GRANULARITY, granularity));
      }
      all.add(
          subject()
              .defaults(rows)
              .with(CommonOptions.SYMMETRIC, symmetric)
              .with(CommonOptions.GRANULARITY, Granularity.group(24))
              .with(CommonOptions.RAGGED, true));
    }
    return all;
  }
}

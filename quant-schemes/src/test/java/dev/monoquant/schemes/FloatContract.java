package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.testkit.contracts.SchemeContract;
import java.util.List;

/** What holds for schemes with floating point codes. */
interface FloatContract extends SchemeContract {

  /** The defaults, and the search if there is one. */
  @Override
  default List<OptionValues> options(WeightMatrix rows) {
    OptionValues defaults = subject().defaults(rows);
    return subject().options().stream().anyMatch(o -> o.name().equals("search"))
        ? List.of(defaults, defaults.with(CommonOptions.SEARCH, "grid"))
        : List.of(defaults);
  }

  /** There are no integer codes to judge; the reference rounds every tie. */
  @Override
  default boolean roundsToEven() {
    return false;
  }
}

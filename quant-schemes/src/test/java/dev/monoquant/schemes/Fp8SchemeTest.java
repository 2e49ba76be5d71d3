package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.Granularity;
import java.util.List;

class Fp8SchemeTest implements FloatContract {
  @Override
  public Scheme subject() {
    return new Fp8Scheme();
  }

  @Override
  public List<OptionValues> options(WeightMatrix rows) {
    OptionValues defaults = subject().defaults(rows);
    return List.of(
        defaults,
        defaults.with(CommonOptions.SEARCH, "grid"),
        defaults
            .with(CommonOptions.SEARCH, "grid")
            .with(CommonOptions.GRANULARITY, Granularity.block(2, 3)),
        defaults.with(CommonOptions.GRANULARITY, Granularity.TENSOR),
        defaults.with(CommonOptions.GRANULARITY, Granularity.block(2, 3)),
        defaults.with(CommonOptions.GRANULARITY, Granularity.block(4, 16)));
  }
}

package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.Granularity;
import java.util.List;
import net.jqwik.api.Group;

@SuppressWarnings("ClassCanBeStatic") // jqwik wants groups to be inner classes.
class Fp8SchemeTest {

  private interface Fp8Contract extends FloatContract {
    @Override
    default List<OptionValues> options(WeightMatrix rows) {
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

  @Group
  class E4m3 implements Fp8Contract {
    @Override
    public Scheme subject() {
      return new Fp8Scheme();
    }
  }

  @Group
  class E5m2 implements Fp8Contract {
    @Override
    public Scheme subject() {
      return new Fp8E5m2Scheme();
    }
  }
}

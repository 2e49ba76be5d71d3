package dev.monoquant.core.reach;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.SchemeContract;
import dev.monoquant.tile.Granularity;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Group;

/** Each shape of scheme that must fit the interfaces keeps all laws. */
@SuppressWarnings("ClassCanBeStatic") // jqwik wants groups to be inner classes.
class ReachTest {

  /** Not registered: these are no plugins of anybody. */
  private interface Reach extends SchemeContract {
    @Override
    default boolean registered() {
      return false;
    }
  }

  @Group
  class OfTensorRange implements Reach {
    @Override
    public Scheme subject() {
      return new TensorRange();
    }
  }

  @Group
  class OfBlocks implements Reach {
    @Override
    public Scheme subject() {
      return new Blocks();
    }

    @Override
    public List<OptionValues> options(WeightMatrix rows) {
      OptionValues defaults = subject().defaults(rows);
      return List.of(
          defaults,
          defaults.with(CommonOptions.GRANULARITY, Granularity.block(2, 3)),
          defaults.with(CommonOptions.GRANULARITY, Granularity.block(3, 16)));
    }
  }

  @Group
  class OfSuperBlocks implements Reach {
    @Override
    public Scheme subject() {
      return new SuperBlocks();
    }

    /** A scale is a product of rounded numbers, so that there are no exact middles. */
    @Override
    public boolean roundsToEven() {
      return false;
    }

    @Override
    public int maxRows() {
      return 4;
    }

    @Override
    public int maxCols() {
      return 600;
    }
  }

  @Group
  class OfTwoLevels implements Reach {
    @Override
    public Scheme subject() {
      return new TwoLevels();
    }

    /** A scale is a product of rounded numbers, so that there are no exact middles. */
    @Override
    public boolean roundsToEven() {
      return false;
    }

    @Override
    public boolean allowsZeroScales() {
      return true;
    }
  }

  @Group
  class OfFixedCodebook implements Reach {
    @Override
    public Scheme subject() {
      return new FixedCodebook();
    }
  }

  @Group
  class OfLearnedCodebook implements Reach {
    @Override
    public Scheme subject() {
      return new LearnedCodebook();
    }

    @Override
    public boolean roundsToEven() {
      return false;
    }
  }

  @Group
  class OfRowCodebook implements Reach {
    @Override
    public Scheme subject() {
      return new RowCodebook();
    }

    @Override
    public boolean roundsToEven() {
      return false;
    }
  }

  @Group
  class OfHalfQuadratic implements Reach {
    @Override
    public Scheme subject() {
      return new HalfQuadratic();
    }

    @Override
    public List<OptionValues> options(WeightMatrix rows) {
      OptionValues defaults = subject().defaults(rows);
      return List.of(defaults, defaults.with(Map.of("iterations", "3", "norm", "0.5")));
    }

    @Override
    public boolean roundsToEven() {
      return false;
    }
  }

  @Group
  class OfActivationAware implements Reach {
    @Override
    public Scheme subject() {
      return new ActivationAware();
    }
  }

  @Group
  class OfNested implements Reach {
    @Override
    public Scheme subject() {
      return new Nested();
    }
  }
}

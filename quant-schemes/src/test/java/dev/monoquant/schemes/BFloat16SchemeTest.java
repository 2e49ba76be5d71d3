package dev.monoquant.schemes;

import dev.monoquant.spi.OptionValues;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.SchemeContract;
import java.util.List;

class BFloat16SchemeTest implements SchemeContract {
  @Override
  public Scheme subject() {
    return new BFloat16Scheme();
  }

  @Override
  public boolean computesBothWays() {
    return true;
  }

  @Override
  public List<OptionValues> options(WeightMatrix rows) {
    OptionValues defaults = subject().defaults(rows);
    return Run.computes(defaults);
  }
}

package dev.monoquant.schemes;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Options;
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
  public List<Options> options(WeightMatrix rows) {
    Options defaults = subject().defaults(rows);
    return Run.computes(defaults);
  }
}

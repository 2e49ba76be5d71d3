package com.example.pow2;

import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.SchemeContract;
import java.util.OptionalDouble;

/** All laws that a scheme must keep, on the scheme as it is registered. */
class PowerOfTwoTest implements SchemeContract {

  @Override
  public Scheme subject() {
    return Plugins.load().scheme("example/pow2");
  }

  @Override
  public OptionalDouble requantizingTolerance() {
    return OptionalDouble.of(0);
  }
}

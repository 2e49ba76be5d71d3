package com.example.pow2;

import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.SchemeContract;
import java.util.OptionalDouble;

/** Runs all laws for schemes on the registered scheme. */
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

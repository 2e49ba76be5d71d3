package dev.monoquant.testkit.example;

import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.SchemeContract;
import java.util.OptionalDouble;

class PowerOfTwoTest implements SchemeContract {
  @Override
  public Scheme subject() {
    return new PowerOfTwo();
  }

  @Override
  public OptionalDouble requantizingTolerance() {
    return OptionalDouble.of(0);
  }
}

package dev.monoquant.testkit.example;

import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.SchemeContract;

class RegisteredPowerOfTwoTest implements SchemeContract {
  @Override
  public Scheme subject() {
    return Plugins.load().scheme("acme/pow2");
  }
}

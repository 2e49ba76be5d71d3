package ${package};

import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.SchemeContract;
import java.util.OptionalDouble;

/** Runs all laws for schemes on the registered scheme. */
class ${className}Test implements SchemeContract {

  @Override
  public Scheme subject() {
    return Plugins.load().scheme("${schemeId}");
  }

  /** What is decoded and quantized again has the same codes. */
  @Override
  public OptionalDouble requantizingTolerance() {
    return OptionalDouble.of(0);
  }
}

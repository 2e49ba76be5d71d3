package com.example.kmeans;

import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Plugins;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.contracts.SchemeContract;
import java.util.List;
import java.util.Map;

class KMeansTest implements SchemeContract {

  @Override
  public Scheme subject() {
    return Plugins.load().scheme("example/k-means");
  }

  @Override
  public List<OptionValues> options(WeightMatrix rows) {
    OptionValues defaults = subject().defaults(rows);
    return List.of(defaults, defaults.with(Map.of("iterations", "0")));
  }

  /** Its levels are not evenly spaced. */
  @Override
  public boolean roundsToEven() {
    return false;
  }
}

package dev.monoquant.schemes;

import dev.monoquant.ConfigurationException;
import dev.monoquant.spi.CommonOptions;
import java.util.Arrays;

/** How the scales of a weight are searched for; {@link IntegerScheme} describes each. */
enum Search {
  NONE(CommonOptions.NO_SEARCH),
  GRID("grid"),
  MSE("mse"),
  HQQ("hqq");

  private final String wire;

  Search(String wire) {
    this.wire = wire;
  }

  static Search of(String wire) {
    return Arrays.stream(values())
        .filter(search -> search.wire.equals(wire))
        .findFirst()
        .orElseThrow(() -> new ConfigurationException("no search " + wire));
  }
}

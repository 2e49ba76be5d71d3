package dev.monoquant.io.testing;

import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;

/** Chooses a detector by what a file holds, as the framework does. */
public final class Surest {

  private Surest() {}

  /** {@return the one detector that is surest; a tie or none is an error} */
  public static InputFormatDetector of(Path path) {
    Match best = Match.NONE;
    List<InputFormatDetector> surest = new ArrayList<>();
    for (InputFormatDetector detector : ServiceLoader.load(InputFormatDetector.class)) {
      Match match = detector.probe(ModelInput.of(path));
      if (match.compareTo(best) > 0) {
        best = match;
        surest.clear();
      }
      if (match == best && match != Match.NONE) {
        surest.add(detector);
      }
    }
    if (surest.size() != 1) {
      throw new AssertionError(path + ": " + best + " by " + surest);
    }
    return surest.get(0);
  }
}

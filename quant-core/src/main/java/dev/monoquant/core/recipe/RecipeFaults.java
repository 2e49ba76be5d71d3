package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** All faults of a recipe, each with its line if known. */
final class RecipeFaults {

  /** The most faults to report; a recipe may have thousands of wrong lines. */
  private static final int MAX = 100;

  private final String file;
  private final RecipeLines lines;
  private final List<String> messages = new ArrayList<>();
  private int more;

  /**
   * @param file the recipe, for messages
   * @param lines the lines of its keys
   */
  RecipeFaults(String file, RecipeLines lines) {
    this.file = file;
    this.lines = lines;
  }

  /** Records a fault of the recipe as a whole. */
  void add(String message) {
    record(file + ": " + message);
  }

  /**
   * Records a fault.
   *
   * @param map the map as it was read
   * @param key the key at fault
   * @param message the path and the fault
   */
  void add(Map<?, ?> map, String key, String message) {
    OptionalInt line = lines.of(map, key);
    record(file + ":" + (line.isPresent() ? line.getAsInt() + ":" : "") + " " + message);
  }

  private void record(String message) {
    if (messages.size() < MAX) {
      messages.add(message);
    } else {
      more++;
    }
  }

  /** Ends the reading of a recipe that has faults. */
  void throwIfAny() {
    if (more > 0) {
      messages.add(file + ": " + more + " more");
    }
    if (!messages.isEmpty()) {
      throw new ConfigurationException(messages);
    }
  }
}

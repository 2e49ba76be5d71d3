package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/** What is wrong with a recipe, all of it, each with its line where that is known. */
final class RecipeFaults {

  /** A recipe may be wrong in each of its thousands of lines. */
  private static final int MAX = 100;

  private final String file;
  private final RecipeLines lines;
  private final List<String> messages = new ArrayList<>();
  private int more;

  /**
   * @param file the recipe, for messages
   * @param lines where its keys are
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
   * @param key the key of it that is at fault
   * @param message path and fault
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

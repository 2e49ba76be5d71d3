package dev.monoquant.core.recipe;

import dev.monoquant.ConfigurationException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** All faults of a recipe, each with its line if known. */
final class RecipeFaults {

  /** A fault at a line; {@link #NO_LINE} if it is not of one. */
  private record Fault(int line, String message) {}

  /** The most faults to report; a recipe may have thousands of wrong lines. */
  private static final int MAX = 100;

  /** Behind all lines. */
  private static final int NO_LINE = Integer.MAX_VALUE;

  private final String file;
  private final RecipeLines lines;
  private final Consumer<String> schemes;
  private final List<Fault> faults = new ArrayList<>();
  private int more;

  /**
   * @param file the recipe, for messages
   * @param lines the lines of its keys
   * @param schemes refuses a name of no scheme by a {@link ConfigurationException}
   */
  RecipeFaults(String file, RecipeLines lines, Consumer<String> schemes) {
    this.file = file;
    this.lines = lines;
    this.schemes = schemes;
  }

  /** Refuses a name of no scheme by a {@link ConfigurationException}. */
  void requireScheme(String name) {
    schemes.accept(name);
  }

  /** Records a fault of the recipe as a whole. */
  void add(String message) {
    record(new Fault(NO_LINE, file + ": " + message));
  }

  /**
   * Records a fault.
   *
   * @param map the map as it was read
   * @param key the key at fault
   * @param message the path and the fault
   */
  void add(Map<?, ?> map, String key, String message) {
    int line = lines.of(map, key).orElse(NO_LINE);
    record(new Fault(line, file + ":" + (line == NO_LINE ? "" : line + ":") + " " + message));
  }

  private void record(Fault fault) {
    if (faults.size() < MAX) {
      faults.add(fault);
    } else {
      more++;
    }
  }

  /** Ends the reading of a recipe that has faults, which are told in the order of their lines. */
  void throwIfAny() {
    if (faults.isEmpty()) {
      return;
    }
    List<String> messages = new ArrayList<>();
    faults.stream()
        .sorted(Comparator.comparingInt(Fault::line))
        .map(Fault::message)
        .forEach(messages::add);
    if (more > 0) {
      messages.add(file + ": " + more + " more");
    }
    throw new ConfigurationException(messages);
  }
}

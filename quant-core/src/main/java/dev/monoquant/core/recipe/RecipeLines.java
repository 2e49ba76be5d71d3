package dev.monoquant.core.recipe;

import java.util.Map;
import java.util.OptionalInt;

/** The lines of the keys of a recipe in its text, for messages. */
@FunctionalInterface
public interface RecipeLines {
  /** The lines of a tree without text: none. */
  RecipeLines NONE = (map, key) -> OptionalInt.empty();

  /**
   * {@return the line of a key, from 1; empty if unknown}
   *
   * @param map a map of the tree, compared by identity
   * @param key a key of the map, or a missing key
   */
  OptionalInt of(Map<?, ?> map, String key);
}

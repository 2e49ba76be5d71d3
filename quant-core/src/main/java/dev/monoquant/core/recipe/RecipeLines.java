package dev.monoquant.core.recipe;

import java.util.Map;
import java.util.OptionalInt;

/** Where the keys of a recipe are in its text, for messages. */
@FunctionalInterface
public interface RecipeLines {
  /** Lines of a tree that has no text. */
  RecipeLines NONE = (map, key) -> OptionalInt.empty();

  /**
   * {@return the line of a key, from 1; empty if it is not known}
   *
   * @param map a map of the tree, the same object
   * @param key a key of it, or one that is missing
   */
  OptionalInt of(Map<?, ?> map, String key);
}

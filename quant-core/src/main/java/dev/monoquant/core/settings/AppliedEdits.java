package dev.monoquant.core.settings;

import dev.monoquant.Problem;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What an edit did, or will do, to the tensors of a model before they are quantized.
 *
 * @param words a few words about each edited tensor, by its name in the input
 * @param ranges the least and the greatest factor of each edited tensor, by its name in the input;
 *     empty if it is not done yet
 * @param problems notes of each fold, and warnings of weights that stay
 */
public record AppliedEdits(
    Map<String, String> words, SortedMap<String, String> ranges, List<Problem> problems) {

  /** Nothing is edited. */
  public static final AppliedEdits NONE = new AppliedEdits(Map.of(), new TreeMap<>(), List.of());

  /** Copies the collections. */
  public AppliedEdits {
    words = Map.copyOf(words);
    ranges = Collections.unmodifiableSortedMap(new TreeMap<>(ranges));
    problems = List.copyOf(problems);
  }
}

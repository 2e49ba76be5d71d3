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
 * @param factors the factors of the columns of each weight that divides its own inputs as it runs,
 *     by its name; no number if they are not known yet. Not copied
 * @param problems notes of each place, and warnings of weights that stay
 */
public record AppliedEdits(
    Map<String, String> words,
    SortedMap<String, String> ranges,
    Map<String, float[]> factors,
    List<Problem> problems) {

  /** Nothing is edited. */
  public static final AppliedEdits NONE =
      new AppliedEdits(Map.of(), new TreeMap<>(), Map.of(), List.of());

  /** Copies the collections. */
  public AppliedEdits {
    words = Map.copyOf(words);
    ranges = Collections.unmodifiableSortedMap(new TreeMap<>(ranges));
    factors = Map.copyOf(factors);
    problems = List.copyOf(problems);
  }
}

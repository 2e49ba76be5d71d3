package dev.monoquant.core;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The nearest of some names, for "did you mean". */
final class Nearest {

  private Nearest() {}

  /** The nearest name, if any is within a third of the asked one's length. */
  static Optional<String> of(String asked, Collection<String> names) {
    return several(asked, names, 1).stream().findFirst();
  }

  /** Up to {@code max} names within a third of the asked one's length, nearest first. */
  static List<String> several(String asked, Collection<String> names, int max) {
    int limit = Math.max(1, asked.length() / 3);
    record Hit(String name, int distance) {}
    return names.stream()
        .limit(10_000)
        .map(n -> new Hit(n, distance(asked, n, limit)))
        .filter(h -> h.distance <= limit)
        .sorted(Comparator.comparingInt(Hit::distance).thenComparing(Hit::name))
        .limit(max)
        .map(Hit::name)
        .toList();
  }

  /** Levenshtein's distance without regard to case; anything above the limit is limit + 1. */
  private static int distance(String a, String b, int limit) {
    String s = a.toLowerCase(Locale.ROOT);
    String t = b.toLowerCase(Locale.ROOT);
    if (Math.abs(s.length() - t.length()) > limit) {
      return limit + 1;
    }
    int[] previous = new int[t.length() + 1];
    int[] current = new int[t.length() + 1];
    for (int j = 0; j <= t.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= s.length(); i++) {
      current[0] = i;
      for (int j = 1; j <= t.length(); j++) {
        int swap = previous[j - 1] + (s.charAt(i - 1) == t.charAt(j - 1) ? 0 : 1);
        current[j] = Math.min(swap, Math.min(previous[j], current[j - 1]) + 1);
      }
      int[] spare = previous;
      previous = current;
      current = spare;
    }
    return Math.min(previous[t.length()], limit + 1);
  }
}

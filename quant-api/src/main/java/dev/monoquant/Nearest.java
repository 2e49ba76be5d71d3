package dev.monoquant;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Finds the existing names closest to a mistyped name, for "did you mean" in messages.
 *
 * <p>A name is near if the given name is a prefix of it or differs from it by few edits. An edit
 * replaces, removes or adds a letter, or swaps two neighbours; the maximum is a third of the
 * letters of the given name, and at least one. Case is ignored. Only the first 10,000 names are
 * searched. Thread-safe.
 */
public final class Nearest {

  private static final int MAX_NAMES = 10_000;

  private Nearest() {}

  /**
   * {@return the nearest name, or empty if no name is near}
   *
   * @param asked the name that was given
   * @param names the existing names
   */
  public static Optional<String> of(String asked, Collection<String> names) {
    return several(asked, names, 1).stream().findFirst();
  }

  /**
   * {@return the names that are near: fewest edits first, shorter names before longer ones}
   *
   * @param asked the name that was given
   * @param names the existing names
   * @param max maximum number of names to return
   */
  public static List<String> several(String asked, Collection<String> names, int max) {
    record Hit(String name, int edits) {}
    String wanted = asked.toLowerCase(Locale.ROOT);
    int limit = Math.max(1, asked.length() / 3);
    return names.stream()
        .limit(MAX_NAMES)
        .map(name -> new Hit(name, edits(wanted, name.toLowerCase(Locale.ROOT), limit)))
        .filter(hit -> hit.edits <= limit || isBeginning(wanted, hit.name))
        .sorted(
            Comparator.comparingInt(Hit::edits)
                .thenComparing(hit -> hit.name.length())
                .thenComparing(Hit::name))
        .limit(max)
        .map(Hit::name)
        .toList();
  }

  private static boolean isBeginning(String wanted, String name) {
    return !wanted.isEmpty() && name.toLowerCase(Locale.ROOT).startsWith(wanted);
  }

  /** Number of edits between two names; {@code limit + 1} if there are more than the limit. */
  private static int edits(String a, String b, int limit) {
    if (Math.abs(a.length() - b.length()) > limit) {
      return limit + 1;
    }
    // Three rows of the table are enough: a swap looks two rows back.
    int[] before = new int[b.length() + 1];
    int[] above = new int[b.length() + 1];
    int[] row = new int[b.length() + 1];
    Arrays.setAll(above, j -> j);
    for (int i = 1; i <= a.length(); i++) {
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replaced, Math.min(above[j], row[j - 1]) + 1);
        if (isSwap(a, i, b, j)) {
          row[j] = Math.min(row[j], before[j - 2] + 1);
        }
      }
      int[] spare = before;
      before = above;
      above = row;
      row = spare;
    }
    return Math.min(above[b.length()], limit + 1);
  }

  private static boolean isSwap(String a, int i, String b, int j) {
    return i > 1
        && j > 1
        && a.charAt(i - 1) == b.charAt(j - 2)
        && a.charAt(i - 2) == b.charAt(j - 1);
  }
}

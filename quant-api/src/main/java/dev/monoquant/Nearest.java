package dev.monoquant;

import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Finds what was meant by a mistyped name, for the "did you mean" of messages.
 *
 * <p>A name is near if the asked one is its beginning, or becomes it by few edits: a letter
 * replaced, left out or added, or two neighbours swapped; up to a third of the asked letters, and
 * one in any case. Case makes no difference. Of more than 10,000 names only the first 10,000 are
 * looked at. Thread-safe.
 */
public final class Nearest {

  private static final int MAX_NAMES = 10_000;

  private Nearest() {}

  /**
   * {@return the nearest name, if any is near}
   *
   * @param asked what was asked for
   * @param names what there is
   */
  public static Optional<String> of(String asked, Collection<String> names) {
    return several(asked, names, 1).stream().findFirst();
  }

  /**
   * {@return the names that are near: fewest edits first, shorter names before longer ones}
   *
   * @param asked what was asked for
   * @param names what there is
   * @param max the most names that are returned
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

  /** The edits that make one of the other; anything above the limit is limit + 1. */
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

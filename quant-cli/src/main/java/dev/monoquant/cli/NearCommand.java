package dev.monoquant.cli;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/**
 * The command that somebody meant who mistyped it: letters in one place are wrong, missing, too
 * many or swapped, or the end is left out. What differs in several places is another word.
 */
final class NearCommand {

  /** As many letters as two swapped ones; of long names a third of them. */
  private static final int MIN_SLIP = 2;

  private NearCommand() {}

  /**
   * {@return the nearest of some commands, if one is near}
   *
   * @param typed what was typed
   * @param commands the commands that there are
   */
  static Optional<String> of(String typed, Collection<String> commands) {
    return commands.stream()
        .filter(name -> begins(name, typed) || slip(typed, name) <= allowed(typed))
        .min(Comparator.comparingInt(name -> slip(typed, name)));
  }

  private static boolean begins(String name, String typed) {
    return !typed.isEmpty() && name.startsWith(typed);
  }

  private static int allowed(String typed) {
    return Math.max(MIN_SLIP, typed.length() / 3);
  }

  /**
   * The letters between what two words begin with and what they end with: never fewer than have to
   * be edited to make one of the other.
   */
  private static int slip(String a, String b) {
    int shorter = Math.min(a.length(), b.length());
    int begin = 0;
    while (begin < shorter && a.charAt(begin) == b.charAt(begin)) {
      begin++;
    }
    int end = 0;
    while (end < shorter - begin
        && a.charAt(a.length() - 1 - end) == b.charAt(b.length() - 1 - end)) {
      end++;
    }
    return Math.max(a.length(), b.length()) - begin - end;
  }
}

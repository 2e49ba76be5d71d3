package dev.monoquant.script;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Leaves out the lines of a source that depend on abilities which its holders have not. Lines
 * between {@code #if A or B} and {@code #end} stay if there is one of the abilities, those after
 * {@code #else} if there is none; conditions may lie within each other.
 */
final class Conditions {

  private static final String IF = "#if ";
  private static final String ELSE = "#else";
  private static final String END = "#end";

  private Conditions() {}

  /**
   * {@return the lines that stay, without conditions}
   *
   * @param text the lines of a source
   * @param abilities what there is
   * @throws IllegalStateException if a condition does not end, or names what no ability is
   */
  static String apply(String text, Set<Ability> abilities) {
    Set<String> all = names(Set.of(Ability.values()));
    Set<String> present = names(abilities);
    StringBuilder kept = new StringBuilder();
    Deque<Boolean> open = new ArrayDeque<>();
    for (String line : text.lines().toList()) {
      String word = line.strip();
      if (word.startsWith(IF)) {
        Set<String> wanted =
            Arrays.stream(word.substring(IF.length()).split(" or "))
                .collect(Collectors.toUnmodifiableSet());
        require(all.containsAll(wanted), line);
        open.push(wanted.stream().anyMatch(present::contains));
      } else if (word.equals(ELSE) || word.equals(END)) {
        require(!open.isEmpty(), line);
        boolean held = open.pop();
        if (word.equals(ELSE)) {
          open.push(!held);
        }
      } else if (!open.contains(false)) {
        kept.append(line).append('\n');
      }
    }
    require(open.isEmpty(), text);
    return kept.toString();
  }

  private static Set<String> names(Set<Ability> abilities) {
    return abilities.stream().map(Ability::wire).collect(Collectors.toUnmodifiableSet());
  }

  private static void require(boolean holds, String where) {
    if (!holds) {
      throw new IllegalStateException("a condition of a source is wrong: " + where);
    }
  }
}

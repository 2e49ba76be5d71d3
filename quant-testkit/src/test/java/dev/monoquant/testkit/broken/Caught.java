package dev.monoquant.testkit.broken;

import dev.monoquant.testkit.laws.Law;
import dev.monoquant.testkit.laws.LawViolation;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;

/** Which laws a plugin breaks. */
final class Caught {

  private Caught() {}

  /** For each input the first law that is broken on it; what comes after that is a consequence. */
  static <T> Set<String> by(Collection<Law<T>> laws, Collection<T> inputs) {
    Set<String> broken = new TreeSet<>();
    for (T input : inputs) {
      for (Law<T> law : laws) {
        try {
          law.check(input);
        } catch (LawViolation violation) {
          broken.add(violation.law());
          break;
        }
      }
    }
    return broken;
  }
}

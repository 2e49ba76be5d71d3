package dev.monoquant.testkit.laws;

import static java.util.Objects.requireNonNull;

import java.util.function.Consumer;

/**
 * A law by name, to run many in a loop without a test engine.
 *
 * @param name the name of its method
 * @param check returns if the law holds, throws {@link LawViolation} if not
 * @param <T> what it is checked on
 */
public record Law<T>(String name, Consumer<T> check) {

  /** Checks that nothing is null. */
  public Law {
    requireNonNull(name, "name");
    requireNonNull(check, "check");
  }

  /**
   * Checks the law.
   *
   * @param subject a plugin and an input
   * @throws LawViolation if it does not hold
   */
  public void check(T subject) {
    check.accept(subject);
  }

  @Override
  public String toString() {
    return name;
  }
}

package dev.monoquant.testkit.laws;

import static java.util.Objects.requireNonNull;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * A law by name, to run many in a loop without a test engine.
 *
 * @param name the name of its method
 * @param check returns if the law holds, throws {@link LawViolation} if not, and {@link
 *     NotApplicable} if it says nothing about the subject
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
   * @return empty if the law holds; why it says nothing about this subject if it does not apply
   * @throws LawViolation if it does not hold
   */
  public Optional<String> check(T subject) {
    try {
      check.accept(subject);
      return Optional.empty();
    } catch (NotApplicable notApplicable) {
      return Optional.of(notApplicable.reason());
    }
  }

  @Override
  public String toString() {
    return name;
  }
}

package dev.monoquant.testkit.laws;

import static java.util.Objects.requireNonNull;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * A named law, to run many laws in a loop without a test engine.
 *
 * @param name the name of its method
 * @param check returns if the law holds, throws {@link LawViolation} if not, and {@link
 *     NotApplicable} if it does not apply to the subject
 * @param <T> the type of the subject
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
   * @return empty if the law holds; the reason if it does not apply to the subject
   * @throws LawViolation if the law does not hold
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

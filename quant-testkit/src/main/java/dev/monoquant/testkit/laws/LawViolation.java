package dev.monoquant.testkit.laws;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/**
 * A plugin broke a law. The message names the law, the plugin, the input and the values.
 *
 * <p>An {@link AssertionError}, so every test engine reports it as a failure.
 */
public final class LawViolation extends AssertionError {

  private static final long serialVersionUID = 1L;

  private final String law;

  /**
   * Makes a violation.
   *
   * @param law the name of the law, that of its method
   * @param subject the plugin and the input
   * @param detail what was found and what was expected
   */
  public LawViolation(String law, Object subject, String detail) {
    this(law, subject, detail, null);
  }

  /**
   * Makes a violation that shows in an exception.
   *
   * @param law the name of the law, that of its method
   * @param subject the plugin and the input
   * @param detail what was found and what was expected
   * @param cause the exception; null if there is none
   */
  public LawViolation(String law, Object subject, String detail, @Nullable Throwable cause) {
    super("law " + law + " is broken by " + subject + ": " + detail, cause);
    this.law = requireNonNull(law, "law");
  }

  /** {@return the name of the law, that of its method} */
  public String law() {
    return law;
  }
}

package dev.monoquant.testkit.laws;

import static java.util.Objects.requireNonNull;

import org.opentest4j.TestAbortedException;

/**
 * A law does not apply to a plugin and an input, such as a law about scales if there are none.
 *
 * <p>It is a failed assumption, which test engines report as a skipped test. {@link Law#check}
 * returns the reason instead, for callers without an engine.
 */
public final class NotApplicable extends TestAbortedException {

  private static final long serialVersionUID = 1L;

  private final String reason;

  /**
   * Makes the exception.
   *
   * @param law the name of the law, which is the name of its method
   * @param reason why it does not apply, such as {@code no part has scales}
   */
  public NotApplicable(String law, String reason) {
    super("law " + law + " does not apply: " + reason);
    this.reason = requireNonNull(reason, "reason");
  }

  /** {@return why the law does not apply} */
  public String reason() {
    return reason;
  }
}

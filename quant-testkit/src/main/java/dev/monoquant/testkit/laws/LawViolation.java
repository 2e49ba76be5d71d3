package dev.monoquant.testkit.laws;

import static java.util.Objects.requireNonNull;

import dev.monoquant.testkit.Repeatable;
import org.jspecify.annotations.Nullable;

/**
 * A plugin broke a law. The message is one line with the law, the plugin, the input and the values;
 * if the input is {@link Repeatable}, it ends with the call that repeats the failure.
 *
 * <p>An {@link AssertionError}, so every test engine reports it as a failure.
 */
public final class LawViolation extends AssertionError {

  private static final long serialVersionUID = 1L;

  private final String law;

  /**
   * Makes a violation.
   *
   * @param law the name of the law, which is the name of its method
   * @param subject the plugin and the input
   * @param detail the actual and the expected result
   */
  public LawViolation(String law, Object subject, String detail) {
    this(law, subject, detail, null);
  }

  /**
   * Makes a violation caused by an exception.
   *
   * @param law the name of the law, which is the name of its method
   * @param subject the plugin and the input
   * @param detail the actual and the expected result
   * @param cause the exception; null if there is none
   */
  public LawViolation(String law, Object subject, String detail, @Nullable Throwable cause) {
    super("law " + law + " is broken by " + subject + ": " + detail + repeat(law, subject), cause);
    this.law = requireNonNull(law, "law");
  }

  private static String repeat(String law, Object subject) {
    return subject instanceof Repeatable again
        ? ". To repeat it: " + owner(law) + law + "(" + again.expression() + ")"
        : "";
  }

  /** The class of the law, found on the stack; in a separate thread it is there as a lambda. */
  private static String owner(String law) {
    return StackWalker.getInstance()
        .walk(
            frames ->
                frames
                    .filter(
                        frame ->
                            frame.getMethodName().equals(law)
                                || frame.getMethodName().startsWith("lambda$" + law + "$"))
                    .map(StackWalker.StackFrame::getClassName)
                    .map(name -> name.substring(name.lastIndexOf('.') + 1) + ".")
                    .findFirst()
                    .orElse(""));
  }

  /** {@return the name of the law, which is the name of its method} */
  public String law() {
    return law;
  }
}

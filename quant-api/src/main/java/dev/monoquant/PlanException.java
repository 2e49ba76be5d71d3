package dev.monoquant;

import java.util.List;

/**
 * The plan has problems that prevent the run. The exception carries all of them, not only the
 * first.
 *
 * <p>Thrown after the input was read and before any weight is quantized.
 */
public final class PlanException extends QuantException {

  private static final long serialVersionUID = 1L;

  /** The most problems in the message. */
  private static final int MOST_SHOWN = 10;

  private final transient List<Problem> problems;

  /**
   * Makes an exception with a message.
   *
   * @param problems every problem found, at least one of them an error
   */
  public PlanException(List<Problem> problems) {
    super(text(problems));
    this.problems = List.copyOf(problems);
  }

  /**
   * {@return every problem found, in the order of the model's layers; empty after deserialization}
   */
  public List<Problem> problems() {
    return problems == null ? List.of() : problems;
  }

  private static String text(List<Problem> problems) {
    List<Problem> errors =
        problems.stream().filter(p -> p.severity() == Problem.Severity.ERROR).toList();
    if (errors.size() == 1) {
      return errors.get(0).toString();
    }
    return several(errors.stream().map(Problem::toString).toList(), MOST_SHOWN);
  }
}

package dev.monoquant.script;

import java.util.Optional;

/** Recognizes equations of {@code torch.einsum} that are products with a matrix. */
final class Einsum {

  private static final String ANY_AXES = "...";
  private static final String ARROW = "->";

  private Einsum() {}

  /**
   * Checks whether an equation multiplies the last axis of the first operand by a matrix, the
   * second operand, as in {@code bi,oi->bo} or {@code ...i,io->...o}.
   *
   * @param equation the equation
   * @return true for {@code x @ matrix}, false for {@code x @ matrix.T}; empty for any other
   */
  static Optional<Boolean> transposed(String equation) {
    String text = equation.replace(" ", "");
    int arrow = text.indexOf(ARROW);
    int comma = text.indexOf(',');
    if (arrow < 0 || comma < 1 || comma != arrow - 3) {
      return Optional.empty();
    }
    String rest = text.substring(0, comma - 1);
    char summed = text.charAt(comma - 1);
    char one = text.charAt(comma + 1);
    char other = text.charAt(comma + 2);
    char made = one == summed ? other : one;
    boolean axes = isAxes(rest) && isLetter(summed) && isLetter(made) && summed != made;
    boolean summedOnce = (one == summed) != (other == summed) && rest.indexOf(summed) < 0;
    boolean madeOnce = rest.indexOf(made) < 0;
    return axes && summedOnce && madeOnce && text.substring(arrow + 2).equals(rest + made)
        ? Optional.of(one == summed)
        : Optional.empty();
  }

  /** {@return the equation for the operands in the other order; empty if there are not two} */
  static Optional<String> swapped(String equation) {
    String text = equation.replace(" ", "");
    int arrow = text.indexOf(ARROW);
    int comma = text.indexOf(',');
    return arrow < 0 || comma < 0 || comma > arrow
        ? Optional.empty()
        : Optional.of(
            text.substring(comma + 1, arrow)
                + ","
                + text.substring(0, comma)
                + text.substring(arrow));
  }

  private static boolean isAxes(String axes) {
    String named = axes.startsWith(ANY_AXES) ? axes.substring(ANY_AXES.length()) : axes;
    return named.chars().allMatch(c -> isLetter((char) c))
        && named.chars().distinct().count() == named.length();
  }

  private static boolean isLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }
}

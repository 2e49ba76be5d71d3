package dev.monoquant.io.architecture;

import java.util.Optional;

/**
 * A name within a numbered block: {@code layers.3.mlp.up_proj.weight}.
 *
 * @param number the number of the block
 * @param rest what follows the number and the dot
 */
record Block(int number, String rest) {

  private static final int DIGITS = 6;

  /**
   * {@return the parts of a name; empty if it does not begin so, or if the number has a leading
   * zero}
   *
   * @param name the name
   * @param prefix what is before the number, such as {@code model.layers.}
   */
  static Optional<Block> of(String name, String prefix) {
    int dot = name.startsWith(prefix) ? name.indexOf('.', prefix.length()) : -1;
    if (dot <= prefix.length() || dot - prefix.length() > DIGITS) {
      return Optional.empty();
    }
    String digits = name.substring(prefix.length(), dot);
    boolean canonical =
        digits.chars().allMatch(c -> c >= '0' && c <= '9')
            && (digits.length() == 1 || digits.charAt(0) != '0');
    return canonical
        ? Optional.of(new Block(Integer.parseInt(digits), name.substring(dot + 1)))
        : Optional.empty();
  }
}

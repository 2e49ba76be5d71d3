package dev.monoquant.core;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A tensor's name as layer and parameter: {@code a.b.weight} is {@code weight} of {@code a.b}.
 *
 * <p>Blocks built in Java have no dots in their names; {@code 01Linear_weight} is {@code weight} of
 * {@code 01Linear}. A name that has nothing before or behind its last dot is a parameter of the
 * root, as a whole.
 */
record TensorName(String layer, String param) {

  private static final Pattern BLOCK_NAME =
      Pattern.compile(
          "(.+)_(weight|bias|gamma|beta|runningMean|runningVar|embedding"
              + "|[ib]_?\\w*weight\\w*|[hi]h_\\w+)");

  static TensorName of(String full) {
    int dot = full.lastIndexOf('.');
    if (dot == 0 || (dot > 0 && dot == full.length() - 1)) {
      return new TensorName("", full);
    }
    if (dot > 0) {
      return new TensorName(full.substring(0, dot), full.substring(dot + 1));
    }
    Matcher block = BLOCK_NAME.matcher(full);
    return block.matches()
        ? new TensorName(block.group(1), block.group(2))
        : new TensorName("", full);
  }
}

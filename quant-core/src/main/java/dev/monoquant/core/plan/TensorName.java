package dev.monoquant.core.plan;

import java.util.Set;

/**
 * A tensor's name as layer and parameter: {@code a.b.weight} is {@code weight} of {@code a.b}.
 *
 * <p>Blocks built in Java have no dots in their names; {@code 01Linear_weight} is {@code weight} of
 * {@code 01Linear}. A name with nothing before or after its last dot is a parameter of the root, as
 * a whole. Takes time linear in the length of the name, which is untrusted.
 */
public record TensorName(String layer, String param) {

  private static final Set<String> PARAMS =
      Set.of("weight", "bias", "gamma", "beta", "runningMean", "runningVar", "embedding");

  private static final int LONGEST = 11;
  private static final String WEIGHT = "weight";

  public static TensorName of(String full) {
    int dot = full.lastIndexOf('.');
    if (dot == 0 || (dot > 0 && dot == full.length() - 1)) {
      return new TensorName("", full);
    }
    if (dot > 0) {
      // Without this, each of 100,000 weights would have a text "weight" of its own.
      String param = full.endsWith(".weight") ? WEIGHT : full.substring(dot + 1);
      return new TensorName(full.substring(0, dot), param);
    }
    return ofBlock(full);
  }

  /**
   * Splits at the last underscore that is followed by the name of a parameter: one of the list,
   * {@code i...weight...} or {@code b...weight...}, {@code hh_...} or {@code ih_...}; dots stand
   * for letters, digits and underscores.
   */
  private static TensorName ofBlock(String full) {
    int words = full.length();
    while (words > 0 && isWord(full.charAt(words - 1))) {
      words--;
    }
    int lastWeight = full.lastIndexOf(WEIGHT);
    int lineEnd = 0;
    while (lineEnd < full.length() && !isLineEnd(full.charAt(lineEnd))) {
      lineEnd++;
    }
    for (int at = full.lastIndexOf('_'); at > 0; at = full.lastIndexOf('_', at - 1)) {
      int start = at + 1;
      if (at <= lineEnd
          && (isListed(full, start)
              || (start >= words && (isGate(full, start) || isWeight(full, start, lastWeight))))) {
        return new TensorName(full.substring(0, at), full.substring(start));
      }
    }
    return new TensorName("", full);
  }

  private static boolean isListed(String full, int start) {
    return full.length() - start <= LONGEST && PARAMS.contains(full.substring(start));
  }

  private static boolean isWeight(String full, int start, int lastWeight) {
    return (full.startsWith("i", start) || full.startsWith("b", start)) && lastWeight > start;
  }

  private static boolean isGate(String full, int start) {
    return (full.startsWith("hh_", start) || full.startsWith("ih_", start))
        && full.length() > start + 3;
  }

  private static boolean isWord(char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  }

  private static boolean isLineEnd(char c) {
    return c == '\n' || c == '\r' || c == '\u0085' || c == '\u2028' || c == '\u2029';
  }
}

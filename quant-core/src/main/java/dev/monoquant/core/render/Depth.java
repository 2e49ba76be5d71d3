package dev.monoquant.core.render;

import dev.monoquant.core.report.WeightReport;
import java.util.Comparator;
import java.util.List;

/**
 * The order of weights from the input of a model to its output, as far as it is known.
 *
 * <p>Most files list weights in the order of the layers. A file that lists them by name, as
 * safetensors does, puts layer 10 before layer 2; there, the numbers in names tell the order.
 */
final class Depth {

  private Depth() {}

  /**
   * {@return the weights by depth}
   *
   * @param weights in the order of the file
   */
  static List<WeightReport> sorted(List<WeightReport> weights) {
    Comparator<WeightReport> byName = Comparator.comparing(WeightReport::name);
    for (int i = 1; i < weights.size(); i++) {
      if (byName.compare(weights.get(i - 1), weights.get(i)) > 0) {
        return weights;
      }
    }
    record Keyed(String key, WeightReport weight) {}
    return weights.stream()
        .map(weight -> new Keyed(key(weight.name()), weight))
        .sorted(Comparator.comparing(Keyed::key))
        .map(Keyed::weight)
        .toList();
  }

  /** A name with the number of its digits before each number, so that 9 is less than 10. */
  private static String key(String name) {
    StringBuilder out = new StringBuilder(name.length() + 8);
    int i = 0;
    while (i < name.length()) {
      int start = i;
      while (i < name.length() && name.charAt(i) >= '0' && name.charAt(i) <= '9') {
        i++;
      }
      if (i > start) {
        out.append((char) (i - start)).append(name, start, i);
      } else {
        out.append(name.charAt(i++));
      }
    }
    return out.toString();
  }
}

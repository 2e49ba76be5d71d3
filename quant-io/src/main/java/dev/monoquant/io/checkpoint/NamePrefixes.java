package dev.monoquant.io.checkpoint;

import static dev.monoquant.QuantException.quote;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The prefixes that wrappers put before every name: {@code module.} of {@code DataParallel} and
 * {@code _orig_mod.} of {@code torch.compile}, in any order and number.
 */
final class NamePrefixes {

  private static final List<String> KNOWN = List.of("module.", "_orig_mod.");

  private NamePrefixes() {}

  /**
   * Takes them off, as long as all names have one.
   *
   * @param tensors anything by name
   * @param notes where to say which were taken off
   * @return the same by shorter names, in the same order
   */
  static <T> Map<String, T> strip(Map<String, T> tensors, List<String> notes) {
    int length = length(tensors);
    String prefix =
        tensors.isEmpty() ? "" : tensors.keySet().iterator().next().substring(0, length);
    notes.add(
        length == 0
            ? "No prefix is common to all names, so none is taken off."
            : "The prefix " + quote(prefix) + " is taken off all names.");
    Map<String, T> shorter = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> shorter.put(name.substring(length), tensor));
    return shorter;
  }

  /**
   * Tells of prefixes that could be taken off.
   *
   * @param tensors anything by name
   * @param notes where to say so
   */
  static void note(Map<String, ?> tensors, List<String> notes) {
    int length = length(tensors);
    if (length > 0) {
      String prefix = tensors.keySet().iterator().next().substring(0, length);
      notes.add(
          "All names begin with "
              + quote(prefix)
              + ", from a wrapper; they are kept; --strip-prefixes takes them off.");
    }
  }

  private static int length(Map<String, ?> tensors) {
    int length = 0;
    boolean more = !tensors.isEmpty();
    while (more) {
      more = false;
      for (String prefix : KNOWN) {
        int at = length;
        if (tensors.keySet().stream()
            .allMatch(n -> n.startsWith(prefix, at) && n.length() > at + prefix.length())) {
          length += prefix.length();
          more = true;
        }
      }
    }
    return length;
  }
}

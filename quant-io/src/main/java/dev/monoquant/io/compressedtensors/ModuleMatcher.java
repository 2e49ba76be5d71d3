package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.BoundedMatch;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Decides whether entries of {@code targets} or {@code ignore} select a module, by the rules of
 * compressed-tensors and vLLM: by its exact name, or by {@code re:} and a regex from the start of
 * the name.
 *
 * <p>The regexes are untrusted, so their matches are bounded.
 */
final class ModuleMatcher {

  private final Set<String> names = new HashSet<>();
  private final Map<String, Pattern> patterns = new LinkedHashMap<>();
  private final String file;

  /**
   * @param entries names, classes, and {@code re:} with a regex
   * @param file the configuration, for messages
   * @throws ModelFormatException if a regex is not valid
   */
  ModuleMatcher(List<String> entries, String file) {
    this.file = file;
    for (String entry : entries) {
      if (!entry.startsWith(ModulePatterns.REGEX)) {
        names.add(entry);
        continue;
      }
      try {
        patterns.put(entry, Pattern.compile(entry.substring(ModulePatterns.REGEX.length())));
      } catch (PatternSyntaxException | StackOverflowError e) {
        throw unusable(entry, "", e);
      }
    }
  }

  /** {@return whether the exact text is an entry} */
  boolean names(String entry) {
    return names.contains(entry);
  }

  /**
   * {@return whether a regex selects the module}
   *
   * @throws ModelFormatException if one cannot be used
   */
  boolean matches(String module) {
    for (Map.Entry<String, Pattern> entry : patterns.entrySet()) {
      try {
        if (BoundedMatch.atStart(entry.getValue(), module)) {
          return true;
        }
      } catch (BoundedMatch.TooLong e) {
        throw unusable(entry.getKey(), module, e);
      }
    }
    return false;
  }

  private ModelFormatException unusable(String entry, String module, Throwable cause) {
    return new ModelFormatException(
        Reason.METADATA,
        file,
        "entry " + quote(entry),
        "is a regex that cannot be used"
            + (module.isEmpty() ? "" : " on module " + quote(module))
            + ". Name the modules instead.",
        cause);
  }
}

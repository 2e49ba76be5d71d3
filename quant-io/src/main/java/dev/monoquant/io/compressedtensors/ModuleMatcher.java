package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Decides whether entries of {@code targets} or {@code ignore} select a module, by the rules of
 * compressed-tensors and vLLM: by its exact name, or by {@code re:} and a regex from the start of
 * the name.
 *
 * <p>The regexes are untrusted and may be made to run very long, so the characters that they read
 * are counted and limited.
 */
final class ModuleMatcher {

  private static final int MAX_LOOKS = 1_000_000;

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
        if (entry.getValue().matcher(new Counted(module, new AtomicInteger())).lookingAt()) {
          return true;
        }
      } catch (StackOverflowError | TooLong e) {
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

  private static final class TooLong extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private record Counted(CharSequence text, AtomicInteger looks) implements CharSequence {
    @Override
    public int length() {
      return text.length();
    }

    @Override
    public char charAt(int index) {
      if (looks.incrementAndGet() > MAX_LOOKS) {
        throw new TooLong();
      }
      return text.charAt(index);
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return new Counted(text.subSequence(start, end), looks);
    }

    @Override
    public String toString() {
      return text.toString();
    }
  }
}

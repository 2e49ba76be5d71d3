package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Finds the group of a module: by its exact name first, then by regex from the start of the name,
 * then by class, for which {@code Linear} is taken. Files hold no classes; whatever is packed is
 * taken for a Linear.
 *
 * <p>The regexes come from an untrusted file and may be made to run for ages, so the characters
 * they look at are counted.
 */
record GroupMatcher(List<ConfigGroup> groups, String file) {

  private static final String REGEX = "re:";
  private static final int MAX_LOOKS = 1_000_000;

  ConfigGroup find(String module) {
    for (ConfigGroup group : groups) {
      if (group.targets().contains(module)) {
        return group;
      }
    }
    for (ConfigGroup group : groups) {
      for (String target : group.targets()) {
        if (target.startsWith(REGEX) && matches(target.substring(REGEX.length()), module)) {
          return group;
        }
      }
    }
    for (ConfigGroup group : groups) {
      if (group.targets().contains("Linear")) {
        return group;
      }
    }
    throw new ModelFormatException(
        Reason.METADATA,
        file,
        "module " + quote(module),
        "is quantized, but no group of quantization_config targets it. Fetch the file again.");
  }

  private boolean matches(String regex, String module) {
    try {
      return Pattern.compile(regex).matcher(new Counted(module, new AtomicInteger())).lookingAt();
    } catch (PatternSyntaxException | StackOverflowError | TooLong e) {
      throw new ModelFormatException(
          Reason.METADATA,
          file,
          "target " + quote(REGEX + regex),
          "is a regex that cannot be used on module "
              + quote(module)
              + ". Name the modules instead.",
          e);
    }
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

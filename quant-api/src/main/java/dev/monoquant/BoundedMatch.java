package dev.monoquant;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Matches names with regular expressions that are not trusted: a regular expression may backtrack
 * for longer than any name lasts, so the characters that it reads are counted and limited.
 *
 * <p>What this does not do: it does not limit the compilation of a regular expression. Stateless
 * and thread-safe.
 */
public final class BoundedMatch {

  /** The maximum number of characters that one match may read. */
  public static final int MAX_READS = 1_000_000;

  private BoundedMatch() {}

  /** A match was given up: it read too many characters, or it nested too deeply for the stack. */
  public static final class TooLong extends Exception {
    private static final long serialVersionUID = 1L;

    private TooLong(Throwable cause) {
      super("more than " + MAX_READS + " steps", cause);
    }
  }

  /**
   * {@return whether the start of a name matches}
   *
   * @param pattern a regular expression
   * @param name the name
   * @throws TooLong if it was given up
   */
  public static boolean atStart(Pattern pattern, String name) throws TooLong {
    return match(pattern, name, true);
  }

  /**
   * {@return whether a whole name matches}
   *
   * @param pattern a regular expression
   * @param name the name
   * @throws TooLong if it was given up
   */
  public static boolean whole(Pattern pattern, String name) throws TooLong {
    return match(pattern, name, false);
  }

  private static boolean match(Pattern pattern, String name, boolean start) throws TooLong {
    try {
      Matcher matcher = pattern.matcher(new Counted(name, new AtomicInteger()));
      return start ? matcher.lookingAt() : matcher.matches();
    } catch (Stop | StackOverflowError e) {
      throw new TooLong(e);
    }
  }

  private static final class Stop extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Stop() {
      super(null, null, false, false);
    }
  }

  private record Counted(CharSequence text, AtomicInteger reads) implements CharSequence {

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public char charAt(int index) {
      if (reads.incrementAndGet() > MAX_READS) {
        throw new Stop();
      }
      return text.charAt(index);
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return new Counted(text.subSequence(start, end), reads);
    }

    @Override
    public String toString() {
      return text.toString();
    }
  }
}

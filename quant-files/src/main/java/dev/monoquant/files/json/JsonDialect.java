package dev.monoquant.files.json;

import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.ParseBudget;
import dev.monoquant.spi.ReadLimits;

/**
 * How to read one kind of JSON file. Immutable.
 *
 * @param file the file, for messages
 * @param what what the text is, such as {@code the header}
 * @param syntax the reason for text that is not strict JSON
 * @param encoding the reason for text that is not UTF-8
 * @param maxDepth the maximum number of arrays and objects around a value
 * @param pythonNumbers whether to accept {@code NaN}, {@code Infinity} and {@code -Infinity}, which
 *     Python writes, as numbers
 * @param maxParsedBytes memory that the values may take, see {@link ParseBudget}
 */
public record JsonDialect(
    String file,
    String what,
    Reason syntax,
    Reason encoding,
    int maxDepth,
    boolean pythonNumbers,
    long maxParsedBytes) {

  /**
   * {@return how to read what this library writes: without Python's numbers, with the default
   * limits}
   *
   * @param file the file, for messages
   * @param what what the text is
   */
  public static JsonDialect own(String file, String what) {
    ReadLimits limits = ReadLimits.DEFAULT;
    return new JsonDialect(
        file,
        what,
        Reason.METADATA,
        Reason.METADATA,
        limits.maxDepth(),
        false,
        limits.maxParsedBytes());
  }
}

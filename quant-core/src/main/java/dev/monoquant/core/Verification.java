package dev.monoquant.core;

import static java.util.Objects.requireNonNull;

import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What reading an output again found: every stored byte against the manifest, every quantized
 * weight decoded, and, beside the original, every error measured anew.
 *
 * @param output the output, as the user named it
 * @param against the original, as the user named it; empty if none was given
 * @param made how the output was made, as it says itself
 * @param tensors how many stored tensors were read
 * @param bytes how many bytes they have
 * @param errors the error of each quantized weight, in the order of the output; empty without an
 *     original
 * @param differences everything that is not as it should be, each naming the tensor or file
 */
public record Verification(
    String output,
    String against,
    Map<String, String> made,
    int tensors,
    long bytes,
    Map<String, ErrorStatistics> errors,
    List<Problem> differences) {

  /** Copies the collections. */
  public Verification {
    requireNonNull(output, "output");
    requireNonNull(against, "against");
    made = Collections.unmodifiableMap(new LinkedHashMap<>(made));
    errors = Collections.unmodifiableMap(new LinkedHashMap<>(errors));
    differences = List.copyOf(differences);
  }

  /** {@return whether nothing differs} */
  public boolean sound() {
    return differences.isEmpty();
  }

  /** {@return the errors over all quantized weights} */
  public ErrorStatistics total() {
    return errors.values().stream().reduce(ErrorStatistics.EMPTY, ErrorStatistics::plus);
  }

  /**
   * Does nothing if nothing differs.
   *
   * @throws ValidationException naming the first difference and their number
   */
  public void requireSound() {
    if (!sound()) {
      throw new ValidationException(
          QuantException.quote(output)
              + ": "
              + Text.count(differences.size(), "difference")
              + (differences.size() == 1 ? ": " : ", the first: ")
              + differences.get(0));
    }
  }

  /** {@return text for people, without colours, lines ended by {@code \n}} */
  public String toTable() {
    return VerificationText.table(this);
  }

  /**
   * {@return the same as one JSON object, keys in a fixed order, with {@code "schema": 1}; numbers
   * that are not finite are {@code null}}
   */
  public String toJson() {
    return VerificationText.json(this);
  }
}

package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The result of reading an output again: every stored byte is compared with the manifest, every
 * quantized weight is decoded, and, with the original, every error is measured again.
 *
 * @param output the output, as the user named it
 * @param against the original, as the user named it; empty if none was given
 * @param made how the output was made, as its manifest records
 * @param tensors the number of stored tensors that were read
 * @param bytes the number of their bytes
 * @param errors the error of each quantized weight, in the order of the output; empty without an
 *     original
 * @param edits how the output says that tensors were scaled before they were quantized, by their
 *     names: these are not compared with the original; empty without an original
 * @param differences all differences, each naming the tensor or file
 */
public record Verification(
    String output,
    String against,
    Map<String, String> made,
    int tensors,
    long bytes,
    Map<String, ErrorStatistics> errors,
    Map<String, String> edits,
    List<Problem> differences) {

  /** Copies the collections. */
  public Verification {
    requireNonNull(output, "output");
    requireNonNull(against, "against");
    made = Collections.unmodifiableMap(new LinkedHashMap<>(made));
    errors = Collections.unmodifiableMap(new LinkedHashMap<>(errors));
    edits = Collections.unmodifiableMap(new LinkedHashMap<>(edits));
    differences = List.copyOf(differences);
  }

  /** {@return whether there are no differences} */
  public boolean sound() {
    return differences.isEmpty();
  }

  /** {@return the errors over all quantized weights} */
  public ErrorStatistics total() {
    return errors.values().stream().reduce(ErrorStatistics.EMPTY, ErrorStatistics::plus);
  }

  /**
   * Checks that there are no differences.
   *
   * @throws ValidationException with the first difference and their number
   */
  public void requireNoDifferences() {
    if (!sound()) {
      throw new ValidationException(
          QuantException.quote(output)
              + ": "
              + Text.count(differences.size(), "difference")
              + (differences.size() == 1 ? ": " : ", the first: ")
              + differences.get(0));
    }
  }

  /** {@return text without colours, with lines that end in {@code \n}} */
  public String toTable() {
    StringBuilder out = new StringBuilder();
    out.append(
        Text.format(
            "%s: %s read again, %s\n",
            Text.name(output), Text.count(tensors, "stored tensor"), Text.bytes(bytes)));
    if (!against.isEmpty()) {
      ErrorStatistics total = total();
      out.append(
          Text.format(
              "against %s: %s decoded, SQNR %s dB, cosine %s, max error %s\n",
              Text.name(against),
              Text.count(errors.size(), "weight"),
              Text.decibels(total.sqnrDb()),
              Text.cosine(total.cosine()),
              Text.error(total.maxError())));
    }
    Text.edits(edits, out);
    Text.problems(differences, out);
    out.append(sound() ? "nothing differs\n" : "");
    return out.toString();
  }

  /**
   * {@return one JSON object with the same content, keys in a fixed order; non-finite numbers are
   * {@code null}}
   *
   * <pre>
   * {
   *   "schema": 1,
   *   "kind": "verification",
   *   "output": "model-int8.safetensors",
   *   "against": "model.safetensors",    // empty if no original was given
   *   "sound": true,
   *   "made": {"monoquant.tool": "...", ...},
   *   "tensors": 12,                     // stored ones that were read
   *   "bytes": 1040,
   *   "errors": {"elements": 1000, "sqnr_db": 44.1, "max_error": 0.01, "cosine": 0.9999},
   *   "weights": [{"name": "fc.weight", "errors": {...}}],  // empty without an original
   *   "edits": {"norm.weight": ""},      // scaled tensors, not compared: how
   *   "differences": [{"severity": "error", "subject": "", "message": "", "remedy": ""}]
   * }
   * </pre>
   */
  public String toJson() {
    return Fields.document(
        "verification",
        out -> {
          out.text("output", output)
              .text("against", against)
              .flag("sound", sound())
              .map("made", made)
              .integer("tensors", tensors)
              .integer("bytes", bytes)
              .object("errors", fields -> Described.errors(fields, total()))
              .objects(
                  "weights",
                  List.copyOf(errors.entrySet()),
                  (fields, weight) ->
                      fields
                          .text("name", weight.getKey())
                          .object("errors", e -> Described.errors(e, weight.getValue())))
              .map("edits", edits);
          Described.problems(out, "differences", differences);
        });
  }
}

package dev.monoquant.spi;

import dev.monoquant.Problem;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The result of reading a model again and comparing it with its manifest.
 *
 * @param made how the model was made, as its manifest records: versions, configuration
 * @param hashKind the kind of the hashes of inputs, such as {@code sha256}
 * @param inputs the hash of each input file recorded in the manifest, by file name: lower-case
 *     hexadecimal digits; empty texts if it records none
 * @param checked the number of stored tensors that were read and compared
 * @param bytes the number of their bytes
 * @param differences the differences from the manifest, each naming the tensor or file; empty if
 *     there are none
 */
public record Audit(
    Map<String, String> made,
    String hashKind,
    Map<String, String> inputs,
    int checked,
    long bytes,
    List<Problem> differences) {

  /** Copies the collections. */
  public Audit {
    made = Collections.unmodifiableMap(new LinkedHashMap<>(made));
    inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
    differences = List.copyOf(differences);
  }
}

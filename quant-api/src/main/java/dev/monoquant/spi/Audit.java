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
 * @param inputs SHA-256 of each input file recorded in the manifest, by file name: 64 lower-case
 *     hexadecimal digits
 * @param checked the number of stored tensors that were read and compared
 * @param bytes the number of their bytes
 * @param differences the differences from the manifest, each naming the tensor or file; empty if
 *     there are none
 */
public record Audit(
    Map<String, String> made,
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

package dev.monoquant.spi;

import dev.monoquant.Problem;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What reading a model again and comparing it with its own manifest found.
 *
 * @param made how the model was made, as it says itself: versions, configuration
 * @param inputs SHA-256 of each file that it says it was made of, by the file's name: 64 lower-case
 *     hexadecimal digits
 * @param checked how many stored tensors were read and compared
 * @param bytes how many bytes they have
 * @param differences what is not as the manifest says, each naming the tensor or file; empty if
 *     nothing was changed
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

package dev.monoquant.core.verify;

import dev.monoquant.files.manifest.ProvenanceText;
import dev.monoquant.spi.ModelInfo;
import java.util.Map;
import java.util.TreeMap;

/** Which numbers of an output are not those of its original, since an edit scaled them. */
final class ScaledTensors {

  private ScaledTensors() {}

  /**
   * {@return how tensors were scaled, by their names in the original; without weights that are
   * divided as they are decoded}
   *
   * @param output the quantized model
   */
  static Map<String, String> of(ModelInfo output) {
    Map<String, String> scaled = new TreeMap<>(ProvenanceText.edits(output.metadata()));
    output.quantized().stream()
        .filter(w -> w.encoding().columnFactors().isPresent())
        .forEach(w -> scaled.remove(w.name()));
    return scaled;
  }
}

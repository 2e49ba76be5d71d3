package dev.monoquant.core;

import dev.monoquant.core.foreign.ForeignQuantization;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.EncodedWeight;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What is in a model, from its headers alone.
 *
 * @param input the input, as the user named it
 * @param format the id of the detector that opened it
 * @param layers all layers with their tensors, in model order; a quantized weight appears as the
 *     float tensor it stands for
 * @param quantized the weights that are stored quantized
 * @param metadata free text that came with the model
 * @param notes what the reader chose or passed over, such as the entry of a nested checkpoint
 * @param hashes the SHA-256 of each plain tensor's contiguous little-endian bytes by its name, in
 *     lower-case hexadecimal digits; empty if nobody asked for them
 * @param foreign quantization that is not decoded: its codes appear as the integers they are
 */
public record Inspection(
    String input,
    String format,
    List<Layer> layers,
    List<EncodedWeight> quantized,
    Map<String, String> metadata,
    List<String> notes,
    Map<String, String> hashes,
    Optional<ForeignQuantization> foreign) {

  /** Copies the collections. */
  public Inspection {
    layers = List.copyOf(layers);
    quantized = List.copyOf(quantized);
    notes = List.copyOf(notes);
    hashes = Collections.unmodifiableMap(new TreeMap<>(hashes));
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
  }

  /** {@return all tensors, those of quantized weights as floats} */
  public List<TensorInfo> tensors() {
    return layers.stream().flatMap(l -> l.tensors().values().stream()).toList();
  }

  /** {@return bytes of all tensors as they are stored, codes packed} */
  public long storedBytes() {
    long all = tensors().stream().mapToLong(TensorInfo::bytes).sum();
    for (EncodedWeight w : quantized) {
      all += w.encoding().packedBytes(w.rows().rows(), w.rows().cols()) - w.rows().tensor().bytes();
    }
    return all;
  }

  /** {@return a table for people, without colours, lines ended by {@code \n}} */
  public String toTable() {
    return InspectionTable.of(this);
  }

  /**
   * {@return the same as one JSON object, keys in a fixed order, with {@code "schema": 1}; numbers
   * that are not finite are {@code null}}
   */
  public String toJson() {
    return InspectionJson.of(this);
  }
}

package dev.monoquant.files.safetensors;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;

/**
 * A tensor in a safetensors file.
 *
 * @param name the name
 * @param type the element type
 * @param shape the dimensions
 * @param begin its first byte within the data section
 * @param end the byte after its last one
 */
public record StoredTensor(String name, ElementType type, TensorShape shape, long begin, long end) {

  /** {@return its bytes} */
  public long bytes() {
    return end - begin;
  }
}

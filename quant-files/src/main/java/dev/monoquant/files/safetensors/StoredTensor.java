package dev.monoquant.files.safetensors;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;

/**
 * A tensor in a safetensors file.
 *
 * @param name the name
 * @param type the element type
 * @param shape the dimensions
 * @param begin the offset of its first byte in the data section
 * @param end the offset after its last byte
 */
public record StoredTensor(String name, ElementType type, TensorShape shape, long begin, long end) {

  /** {@return its size in bytes} */
  public long bytes() {
    return end - begin;
  }
}

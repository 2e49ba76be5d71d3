package dev.monoquant.model;

import static java.util.Objects.requireNonNull;

/**
 * The name, type and shape of a tensor, without data.
 *
 * @param name the full name, such as {@code encoder.0.fc.weight}
 * @param type the element type
 * @param shape the dimensions
 * @param shard the file that holds it, relative to the model's directory; empty if the model is one
 *     file or a live object
 */
public record TensorInfo(String name, ElementType type, TensorShape shape, String shard) {

  /** Checks that nothing is null. */
  public TensorInfo {
    requireNonNull(name, "name");
    requireNonNull(type, "type");
    requireNonNull(shape, "shape");
    requireNonNull(shard, "shard");
  }

  /**
   * Describes a tensor of a model that is a single file or a live object.
   *
   * @param name the full name
   * @param type the element type
   * @param shape the dimensions
   */
  public TensorInfo(String name, ElementType type, TensorShape shape) {
    this(name, type, shape, "");
  }

  /**
   * {@return bytes of the contiguous data, sub-byte types packed and rounded up}
   *
   * @throws ArithmeticException if the size does not fit in 63 bits
   */
  public long bytes() {
    long bits = Math.multiplyExact(shape.elements(), (long) type.bits());
    return bits / 8 + (bits % 8 == 0 ? 0 : 1);
  }
}

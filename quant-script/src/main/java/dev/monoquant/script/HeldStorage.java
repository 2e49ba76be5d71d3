package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.ElementType;

/**
 * A storage that a rewritten program needs besides those of the original: one part of one weight.
 *
 * <p>Its bytes are those of the part as tiles bring it, row after row: cells of 8 bits and more
 * little-endian; cells below 8 bits packed along each row of cells, element i at bit {@code i *
 * bits} of the row's bytes, least significant bit first, two's complement if signed, each row
 * rounded up to whole bytes. The values of a cast are no exception: the rows of the matrix come in
 * order, also where they are not the first axis of the weight.
 *
 * @param key the key of the storage, one that the original does not use
 * @param weight the name of the weight
 * @param part the name of its part
 * @param type the element type of the storage; UINT8 where cells are packed
 * @param elements how many of them; bytes where cells are packed
 */
public record HeldStorage(String key, String weight, String part, ElementType type, long elements) {

  /** Checks that nothing is null or negative. */
  public HeldStorage {
    requireNonNull(key, "key");
    requireNonNull(weight, "weight");
    requireNonNull(part, "part");
    requireNonNull(type, "type");
    if (elements < 0) {
      throw new IllegalArgumentException("a storage of " + elements + " elements");
    }
  }

  /** {@return bytes of the storage} */
  public long bytes() {
    return Math.multiplyExact(elements, (long) type.cellBytes());
  }
}

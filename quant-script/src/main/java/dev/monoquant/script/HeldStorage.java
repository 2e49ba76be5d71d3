package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.EncodedWeight;

/**
 * A storage that is added to a rewritten program: one part of one weight.
 *
 * <p>Contains the part row by row, in the order of the tiles; each row is packed with {@link
 * Packing#BITS}, see {@link #layout}. This also applies to the values of a cast: they are in the
 * order of the rows of the matrix, even if the rows are not the first axis of the weight.
 *
 * @param key the key of the storage; the original does not use it
 * @param weight the name of the weight
 * @param part the name of its part
 * @param type the element type of the storage; UINT8 if cells are packed
 * @param elements the number of elements; bytes if cells are packed
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

  /**
   * {@return the layout of the parts of a quantized weight: one storage for each part, with its
   * name}
   *
   * @param weight the weight
   */
  public static TensorPerPart layout(EncodedWeight weight) {
    return new TensorPerPart(
        weight.matrix(), weight.encoding(), part -> new Storage(part.name(), Packing.BITS));
  }

  /** {@return the size of the storage in bytes} */
  public long bytes() {
    return Math.multiplyExact(elements, (long) type.cellBytes());
  }
}

package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.EncodedWeight;

/**
 * A storage that a rewritten program needs besides those of the original: one part of one weight.
 *
 * <p>Its bytes are those of the part as tiles bring it, row after row, each packed as {@link
 * Packing#BITS} says, see {@link #layout}. The values of a cast are no exception: the rows of the
 * matrix come in order, also where they are not the first axis of the weight.
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

  /**
   * {@return how the parts of a weight that is held lie in storages, named as the parts are}
   *
   * @param weight the weight
   */
  public static TensorPerPart layout(EncodedWeight weight) {
    return new TensorPerPart(
        weight.matrix(), weight.encoding(), part -> new Storage(part.name(), Packing.BITS));
  }

  /** {@return bytes of the storage} */
  public long bytes() {
    return Math.multiplyExact(elements, (long) type.cellBytes());
  }
}

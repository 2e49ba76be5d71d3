package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

/**
 * A storage of a rewritten program that is a part of a storage of the original.
 *
 * @param folder {@code data/} if {@code data.pkl} refers to both, {@code constants/} if {@code
 *     constants.pkl} does
 * @param key the key of the storage there; the original does not use it
 * @param of the key of the original storage
 * @param first the index of its first element in the original storage
 * @param elements the number of elements, of the type of the original storage
 */
public record CutStorage(String folder, String key, String of, long first, long elements) {

  /** Checks that nothing is null, negative or empty. */
  public CutStorage {
    requireNonNull(folder, "folder");
    requireNonNull(key, "key");
    requireNonNull(of, "of");
    if (first < 0 || elements < 1) {
      throw new IllegalArgumentException("elements " + first + " and " + elements + " more");
    }
  }

  /** {@return the record of the storage} */
  public String record() {
    return folder + key;
  }

  /** {@return the record of the original storage} */
  public String ofRecord() {
    return folder + of;
  }
}

package dev.monoquant.script;

import static java.util.Objects.requireNonNull;

/**
 * A storage that a rewritten program needs, which is a part of one of the original.
 *
 * @param key the key of the storage in {@code data.pkl}, one that the original does not use
 * @param of the key of the storage that it is a part of
 * @param first the first of its elements there
 * @param elements how many there are, of the type of that storage
 */
public record CutStorage(String key, String of, long first, long elements) {

  /** Checks that nothing is null, negative or empty. */
  public CutStorage {
    requireNonNull(key, "key");
    requireNonNull(of, "of");
    if (first < 0 || elements < 1) {
      throw new IllegalArgumentException("elements " + first + " and " + elements + " more");
    }
  }
}

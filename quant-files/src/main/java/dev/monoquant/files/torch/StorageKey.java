package dev.monoquant.files.torch;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleWalk;
import java.util.ArrayList;
import java.util.List;

/**
 * A storage that a pickle refers to.
 *
 * @param key its key in the file
 * @param bytes its size in bytes according to the pickle
 */
public record StorageKey(String key, long bytes) {

  /**
   * Finds every storage that a value refers to.
   *
   * @param root the value to search
   * @param file the file, for messages
   * @return the storages, in an unspecified but repeatable order; one may occur several times
   * @throws ModelFormatException if a persistent id is not that of a storage, or its size exceeds
   *     63 bits
   */
  public static List<StorageKey> of(PickleValue root, String file) {
    List<StorageKey> keys = new ArrayList<>();
    for (PicklePersistent persistent : PickleWalk.persistentIds(root)) {
      StorageId id = StorageId.of(persistent, file, "a persistent id");
      try {
        keys.add(
            new StorageKey(id.key(), Math.multiplyExact(id.elements(), (long) id.elementBytes())));
      } catch (ArithmeticException e) {
        throw new ModelFormatException(
            Reason.TENSOR_BOUNDS,
            file,
            "a persistent id",
            "its storage is said to have " + id.elements() + " elements. The file is damaged.",
            e);
      }
    }
    return keys;
  }
}

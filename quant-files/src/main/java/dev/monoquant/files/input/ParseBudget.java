package dev.monoquant.files.input;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;

/**
 * Limits the total memory of everything parsed from one file. Limits on single values do not limit
 * their number; this one limits the sum. Callers charge it before they allocate.
 *
 * <p>Charges are estimates for a 64-bit JVM with compressed references: the size of an object and
 * of its entry in a list or map. Not thread-safe.
 */
public final class ParseBudget {

  private final String file;
  private final long most;
  private long used;

  /**
   * Makes an unused budget.
   *
   * @param file the file, for messages
   * @param most the limit maxParsedBytes
   */
  public ParseBudget(String file, long most) {
    this.file = file;
    this.most = most;
  }

  /**
   * Takes from the budget.
   *
   * @param bytes what will be allocated, not negative
   * @throws ModelFormatException if the budget has less left
   */
  public void charge(long bytes) {
    if (bytes > most - used) {
      throw new ModelFormatException(
          Reason.LIMIT,
          file,
          "",
          "what it holds besides numbers would take more than "
              + most
              + " bytes of memory (limit maxParsedBytes). Raise the limit, and the heap, if the"
              + " file can be trusted.");
    }
    used += bytes;
  }

  /**
   * Gives back what was charged for memory that is no longer in use.
   *
   * @param bytes at most what was charged
   */
  public void release(long bytes) {
    used -= bytes;
  }

  /** {@return the bytes that are charged} */
  public long used() {
    return used;
  }
}

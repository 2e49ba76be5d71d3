package dev.monoquant.files.input;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;

/**
 * The memory that everything parsed of one file may take together. Limits on single things leave
 * room for very many of them; this one is on the sum. It is charged before anything is allocated.
 *
 * <p>Charges are estimates for a 64-bit JVM with compressed references: what an object costs with
 * its place in a list or map. Not thread-safe.
 */
public final class ParseBudget {

  private final String file;
  private final long most;
  private long used;

  /**
   * Makes a budget of which nothing is used.
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
   * @throws ModelFormatException if less is left
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
}

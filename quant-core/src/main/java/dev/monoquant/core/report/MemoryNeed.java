package dev.monoquant.core.report;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.core.text.Text;
import dev.monoquant.spi.EncodedWeight;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.ToLongFunction;

/**
 * The anonymous memory that a run needs at most, estimated from names and shapes: heap, direct
 * buffers and what the JVM takes for itself.
 *
 * <pre>
 *  bytes = fixed + threads * perThread
 *
 *  fixed      96 MiB for the JVM and this library, and {@value #PER_TENSOR} bytes for each tensor:
 *             names, places, texts of the header
 *  perThread  {@value #PER_ELEMENT} bytes for each number of the largest tile: originals, the copy
 *             for the scheme, decoded numbers, codes; at least 4 MiB
 * </pre>
 *
 * <p>The constants are upper bounds of what was measured. Mapped files are not counted, since the
 * system takes their pages back at will. Neither is what PyTorch takes where it runs: the models
 * that run side by side, and arithmetic with {@code --compute torch}.
 *
 * @param fixed bytes that do not depend on threads
 * @param perThread bytes of each thread
 * @param threads the number of threads that the memory allows, at least 1
 * @param widest the name of the weight with the largest tile; empty if there is none
 * @param tensors the number of tensors
 */
public record MemoryNeed(long fixed, long perThread, int threads, String widest, long tensors) {

  /** What the JVM takes besides its heap: compiled code, classes, stacks, direct buffers. */
  public static final long OUTSIDE_HEAP = 80L << 20;

  /** The smallest bound that can be honoured. */
  public static final long LEAST = 128L << 20;

  private static final long BASE = OUTSIDE_HEAP + (16L << 20);
  private static final long PER_TENSOR = 10_000;
  private static final long PER_ELEMENT = 20;
  private static final long LEAST_PER_THREAD = 4L << 20;

  /**
   * {@return the need of a run}
   *
   * @param plans the plans that are carried out in one pass
   * @param tileElements the intended number of elements of a tile
   * @param most the maximum number of threads
   * @param bound the bound in bytes; if empty, the limit of the heap, which is no reason to refuse
   *     except for factors
   * @param factors bytes that what a scheme makes of the statistics of inputs takes for a weight
   * @throws ConfigurationException if one thread would exceed the bound, naming the least bound,
   *     and the weight or the number of tensors that needs it
   */
  public static MemoryNeed of(
      List<Plan> plans,
      int tileElements,
      int most,
      OptionalLong bound,
      ToLongFunction<EncodedWeight> factors) {
    long factor = 0;
    long tensors = 0;
    long perThread = LEAST_PER_THREAD;
    String widest = "";
    for (Plan plan : plans) {
      tensors += plan.weights().size() + plan.kept().size();
      for (PlannedWeight planned : plan.weights()) {
        EncodedWeight weight = planned.weight();
        long row = weight.matrix().columnCount() * weight.encoding().rowAlignment();
        long bytes =
            Math.min(Math.max(row, tileElements), weight.matrix().tensor().shape().elements())
                * PER_ELEMENT;
        factor = Math.max(factor, factors.applyAsLong(weight));
        if (bytes > perThread || widest.isEmpty()) {
          widest = weight.name();
          perThread = Math.max(perThread, bytes);
        }
      }
    }
    long fixed = BASE + tensors * PER_TENSOR + factor;
    long allowed = bound.orElse(Runtime.getRuntime().maxMemory() + OUTSIDE_HEAP);
    int threads = (int) Math.max(1, Math.min(most, (allowed - fixed) / perThread));
    MemoryNeed need = new MemoryNeed(fixed, perThread, threads, widest, tensors);
    if (factor > 0) {
      need.requireFactor(factor, allowed);
    }
    bound.ifPresent(need::requireWithin);
    return need;
  }

  /**
   * Refuses a model of too many tensors, before it is planned.
   *
   * @param tensors the number of tensors
   * @param bound the bound in bytes
   * @throws ConfigurationException naming the least bound and the number of tensors
   */
  public static void requireTensors(long tensors, long bound) {
    new MemoryNeed(BASE + tensors * PER_TENSOR, LEAST_PER_THREAD, 1, "", tensors)
        .requireWithin(bound);
  }

  /** {@return the bytes that the run takes at most} */
  public long bytes() {
    return fixed + threads * perThread;
  }

  /** {@return the least bound: that of one thread} */
  public long least() {
    return fixed + perThread;
  }

  /** {@return one line of text} */
  public String toText() {
    return "memory: at most "
        + Text.bytes(bytes())
        + " with "
        + Text.count(threads, "thread")
        + ", besides mapped files; at least "
        + Text.bytes(least());
  }

  private void requireFactor(long factor, long bound) {
    if (least() > bound) {
      throw new ConfigurationException(
          "a memory of "
              + Text.bytes(bound)
              + " is not enough: this run needs "
              + Text.bytes(least())
              + ", since the factors of a Gram matrix take "
              + Text.bytes(factor)
              + ". Give --max-memory "
              + ((least() + (1 << 20) - 1) >> 20)
              + "m or more, or use method=nearest for the widest layers");
    }
  }

  private void requireWithin(long bound) {
    if (least() <= bound) {
      return;
    }
    String reason =
        perThread > fixed - BASE
            ? "a block of rows of "
                + QuantException.quote(widest)
                + " takes "
                + Text.bytes(perThread)
            : Text.count(tensors, "tensor") + " take " + Text.bytes(fixed - BASE);
    throw new ConfigurationException(
        "a memory of "
            + Text.bytes(bound)
            + " is not enough: this run needs "
            + Text.bytes(least())
            + ", since "
            + reason
            + ". Give --max-memory "
            + ((least() + (1 << 20) - 1) >> 20)
            + "m or more");
  }
}

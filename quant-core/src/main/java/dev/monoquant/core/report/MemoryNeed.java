package dev.monoquant.core.report;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.core.text.Text;
import dev.monoquant.spi.EncodedWeight;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * The anonymous memory that suffices for a run, estimated from names and shapes: heap, direct
 * buffers and what the JVM takes for itself. Where the heap may be larger, the JVM may take more
 * before it collects what is no longer used.
 *
 * <pre>
 *  bytes = fixed + threads * perThread + further
 *
 *  fixed      96 MiB for the JVM and this library, and {@value #PER_TENSOR} bytes for each tensor:
 *             names, places, texts of the header; the factors of the Gram matrix of one weight
 *  perThread  {@value #PER_ELEMENT} bytes for each number of the largest tile: originals, the copy
 *             for the scheme, decoded numbers, codes; at least 4 MiB
 *  further    the factors of the weights that the other threads may be at
 * </pre>
 *
 * <p>The constants are upper bounds of what was measured. Mapped files are not counted, since the
 * system takes their pages back at will. Neither is what PyTorch takes where it runs: the models
 * that run side by side, and arithmetic with {@code --compute torch}.
 *
 * @param fixed bytes that do not depend on threads
 * @param perThread bytes of each thread
 * @param further bytes for factors of more than one weight
 * @param threads the number of threads that the memory allows, at least 1
 * @param widest the name of the weight with the largest tile; empty if there is none
 * @param tensors the number of tensors
 */
public record MemoryNeed(
    long fixed, long perThread, long further, int threads, String widest, long tensors) {

  /**
   * What is made of the statistics of the inputs of a weight for one output.
   *
   * @param made bytes while it is made, besides those that are kept; one weight is begun at a time
   * @param kept bytes until all tiles of the weight are done
   */
  public record Factors(long made, long kept) {

    /** Nothing is made. */
    public static final Factors NONE = new Factors(0, 0);
  }

  /** What the JVM takes besides its heap: compiled code, classes, stacks, direct buffers. */
  public static final long OUTSIDE_HEAP = 80L << 20;

  /** The smallest bound that can be honoured. */
  public static final long LEAST = 128L << 20;

  private static final long BASE = OUTSIDE_HEAP + (16L << 20);
  private static final long PER_TENSOR = 4_200;
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
   * @param factors what a scheme makes of the statistics of inputs for a weight
   * @throws ConfigurationException if one thread would exceed the bound, naming the least bound,
   *     and the weight or the number of tensors that needs it
   */
  public static MemoryNeed of(
      List<Plan> plans,
      int tileElements,
      int most,
      OptionalLong bound,
      Function<EncodedWeight, Factors> factors) {
    long made = 0;
    Map<String, Long> kept = new HashMap<>();
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
        Factors factor = factors.apply(weight);
        made = Math.max(made, factor.made());
        // All outputs of a weight are made together, each with factors of its own.
        kept.merge(weight.matrix().tensor().name(), factor.kept(), Long::sum);
        if (bytes > perThread || widest.isEmpty()) {
          widest = weight.name();
          perThread = Math.max(perThread, bytes);
        }
      }
    }
    List<Long> largest =
        kept.values().stream().filter(k -> k > 0).sorted(Comparator.reverseOrder()).toList();
    long factor = made + (largest.isEmpty() ? 0 : largest.get(0));
    long fixed = BASE + tensors * PER_TENSOR + factor;
    long allowed = bound.orElse(Runtime.getRuntime().maxMemory() + OUTSIDE_HEAP);
    int threads = 1;
    long further = 0;
    while (threads < most) {
      // Each thread may be at the last tiles of another weight.
      long more = further + (threads < largest.size() ? largest.get(threads) : 0);
      if (fixed + (threads + 1) * perThread + more > allowed) {
        break;
      }
      further = more;
      threads++;
    }
    MemoryNeed need = new MemoryNeed(fixed, perThread, further, threads, widest, tensors);
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
    new MemoryNeed(BASE + tensors * PER_TENSOR, LEAST_PER_THREAD, 0, 1, "", tensors)
        .requireWithin(bound);
  }

  /** {@return the bytes that suffice for the run} */
  public long bytes() {
    return fixed + threads * perThread + further;
  }

  /** {@return the least bound: that of one thread} */
  public long least() {
    return fixed + perThread;
  }

  /** {@return one line of text} */
  public String toText() {
    return "memory: "
        + Text.bytes(bytes())
        + " suffice with "
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

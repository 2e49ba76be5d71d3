package dev.monoquant.core.control;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * The process and the bounds in which the code of models runs.
 *
 * <p>In this process, nothing stops a model that does not end or takes all memory, and native code
 * that crashes ends the JVM. A child is a separate JVM with the class path, the plugins and the
 * system properties of this one; it is ended when it exceeds a bound, or when this process ends. It
 * takes about a second of processor time to start Java and the engine once more; speeds measured in
 * it are the same.
 *
 * <p>What this does not do: a child has the rights of the user. Its code is checked before, see
 * {@link dev.monoquant.core.Quantizer#withTrust}. Memory is limited on Linux only, where it is
 * polled from {@code /proc} about 50 times a second; on other systems a message is logged.
 *
 * @param inChild whether models run in a child process
 * @param timeout the time limit of a run, from the start of the engine; for a child only
 * @param maxMemoryBytes the limit of the child's resident memory; by default 4 GiB and four times
 *     the bytes of the models and samples
 */
public record ModelRuns(boolean inChild, Duration timeout, OptionalLong maxMemoryBytes) {

  /** Models run in this process, without bounds: the default of the library. */
  public static final ModelRuns IN_PROCESS =
      new ModelRuns(false, Duration.ofMinutes(10), OptionalLong.empty());

  /** Models run in a child, for 10 minutes at most: the default of the command line. */
  public static final ModelRuns IN_CHILD =
      new ModelRuns(true, Duration.ofMinutes(10), OptionalLong.empty());

  /** Checks that the bounds are positive. */
  public ModelRuns {
    requireNonNull(timeout, "timeout");
    requireNonNull(maxMemoryBytes, "maxMemoryBytes");
    if (timeout.isNegative() || timeout.isZero()) {
      throw new ConfigurationException(
          "a run of "
              + timeout.toSeconds()
              + " seconds: more than 0 are allowed, 600 is the"
              + " default");
    }
    if (maxMemoryBytes.isPresent() && maxMemoryBytes.getAsLong() < 1) {
      throw new ConfigurationException(
          "a run in " + maxMemoryBytes.getAsLong() + " bytes: at least 1 is allowed");
    }
  }

  /**
   * {@return the same with another time limit}
   *
   * @param value the time limit of a run; more than 0
   */
  public ModelRuns withTimeout(Duration value) {
    return new ModelRuns(inChild, value, maxMemoryBytes);
  }

  /**
   * {@return the same with another bound on memory}
   *
   * @param bytes the limit of the child's resident memory; at least 1
   */
  public ModelRuns withMaxMemory(long bytes) {
    return new ModelRuns(inChild, timeout, OptionalLong.of(bytes));
  }
}

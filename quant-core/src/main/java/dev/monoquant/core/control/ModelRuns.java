package dev.monoquant.core.control;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * Where the code of models runs, and within which bounds.
 *
 * <p>In this process, nothing stops a model that does not end or takes all memory, and native code
 * that crashes ends the JVM. A child is a JVM of its own, with the class path, the plugins and the
 * system properties of this one; it is ended when it takes longer or more memory, or when this
 * process ends. Its start takes about as long as that of the engine and some tenths of a second
 * more; speeds that are measured in it are the same.
 *
 * <p>What this does not do: a child has the rights of the user. What its code may do is decided
 * before, see {@link dev.monoquant.core.Quantizer#withTrust}. Memory is limited on Linux only,
 * where it is polled from {@code /proc} some 50 times in a second; elsewhere that is logged.
 *
 * @param inChild whether models run in a process of their own
 * @param timeout of a run, from when the engine has started; for a child only
 * @param maxMemoryBytes resident memory of the child; by default 4 GiB and four times the bytes of
 *     the models and samples
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
   * {@return the same with another time}
   *
   * @param value of a run; more than 0
   */
  public ModelRuns withTimeout(Duration value) {
    return new ModelRuns(inChild, value, maxMemoryBytes);
  }

  /**
   * {@return the same with another bound on memory}
   *
   * @param bytes resident memory of the child; at least 1
   */
  public ModelRuns withMaxMemory(long bytes) {
    return new ModelRuns(inChild, timeout, OptionalLong.of(bytes));
  }
}

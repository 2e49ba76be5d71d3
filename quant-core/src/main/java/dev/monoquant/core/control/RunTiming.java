package dev.monoquant.core.control;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The duration of timing when models run side by side to compare their speed.
 *
 * @param rounds the number of timed rounds; empty for as many as fit in the time
 * @param time no round starts after this time; empty for two seconds, or for as long as the given
 *     rounds take. Without a number of rounds, at least five are timed
 */
public record RunTiming(OptionalInt rounds, Optional<Duration> time) {

  /** Five to 101 rounds in about two seconds. */
  public static final RunTiming DEFAULT = new RunTiming(OptionalInt.empty(), Optional.empty());

  /** Checks that both are positive. */
  public RunTiming {
    requireNonNull(rounds, "rounds");
    requireNonNull(time, "time");
    if (rounds.isPresent() && rounds.getAsInt() < 1) {
      throw new ConfigurationException(
          "--rounds " + rounds.getAsInt() + ": a number above 0 is needed. Example: --rounds 25");
    }
    if (time.isPresent() && (time.get().isZero() || time.get().isNegative())) {
      throw new ConfigurationException(
          "--seconds "
              + time.get().toMillis() / 1000.0
              + ": a number above 0 is needed. Example: --seconds 10");
    }
  }
}

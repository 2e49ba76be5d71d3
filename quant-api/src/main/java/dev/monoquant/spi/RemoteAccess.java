package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.ConfigurationException;
import java.time.Duration;
import java.util.Optional;

/**
 * How remote files are accessed.
 *
 * @param header a header of requests, as {@code Name: value}, for the host of the location alone; a
 *     store that does not speak HTTP ignores it
 * @param timeout how long to wait for a connection, and for each next byte
 */
public record RemoteAccess(Optional<Secret> header, Duration timeout) {

  /** No header; 30 seconds. */
  public static final RemoteAccess DEFAULT =
      new RemoteAccess(Optional.empty(), Duration.ofSeconds(30));

  /** Checks the form of the header and that the time is positive. */
  public RemoteAccess {
    requireNonNull(timeout, "timeout");
    if (timeout.isNegative() || timeout.isZero()) {
      throw new ConfigurationException(
          "a timeout of " + timeout + ": a positive time is needed, such as 30s");
    }
    header.ifPresent(RemoteAccess::requireHeader);
  }

  /** The message shows no part of the text, as a token may be where a name should be. */
  private static void requireHeader(Secret header) {
    String text = header.reveal();
    int colon = text.indexOf(':');
    boolean named =
        colon > 0
            && text.substring(0, colon).chars().allMatch(c -> c > ' ' && c < 127)
            && !text.substring(colon + 1).isBlank();
    if (!named || text.chars().anyMatch(c -> c < ' ' || c == 127)) {
      throw new ConfigurationException(
          "the header for requests is not of the form NAME: VALUE on one line (it is not shown,"
              + " as it is a secret). Example: Authorization: Bearer TOKEN");
    }
  }

  /**
   * {@return a copy with a header}
   *
   * @param value the header, as {@code Name: value}
   */
  public RemoteAccess withHeader(Secret value) {
    return new RemoteAccess(Optional.of(value), timeout);
  }
}

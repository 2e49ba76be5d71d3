package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import java.util.Optional;

/**
 * A file that is not on this machine, at the time when it was found.
 *
 * @param name its name relative to its folder, with forward slashes, without empty parts, {@code .}
 *     and {@code ..}
 * @param size its bytes
 * @param modified when it was written last, if the store knows
 * @param identity a text that changes with the content, such as an entity tag, a checksum or a
 *     generation; empty if the store knows none
 */
public record RemoteFile(
    String name, long size, Optional<Instant> modified, Optional<String> identity) {

  /** Checks name and size. */
  public RemoteFile {
    requireNonNull(modified, "modified");
    requireNonNull(identity, "identity");
    if (!isName(name)) {
      throw new IllegalArgumentException("not the name of a file in a folder: " + name);
    }
    if (size < 0) {
      throw new IllegalArgumentException(name + " of " + size + " bytes");
    }
  }

  /**
   * {@return whether a text names a file in a folder or below it, and in no other}
   *
   * @param name any text
   */
  public static boolean isName(String name) {
    for (String part : name.split("/", -1)) {
      if (part.isEmpty() || part.equals(".") || part.equals("..") || part.indexOf('\0') >= 0) {
        return false;
      }
    }
    return true;
  }
}

package dev.monoquant.files.manifest;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;

/**
 * What tells a file from a later version of it.
 *
 * @param size its bytes
 * @param modified when it was written
 * @param key the key of the file system for it, such as device and inode; empty if it has none
 */
record Stamp(long size, long modified, Optional<Object> key) {
  static Stamp of(Path file) throws IOException {
    BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
    return new Stamp(
        now.size(), now.lastModifiedTime().toMillis(), Optional.ofNullable(now.fileKey()));
  }

  void requireSame(Path file) throws IOException {
    if (!of(file).equals(this)) {
      throw changed(file);
    }
  }

  static ModelFormatException changed(Path file) {
    return new ModelFormatException(
        Reason.UNREADABLE,
        file.toString(),
        "",
        "the file changed while it was read, so nothing was written. Run again when no"
            + " other process writes to it.");
  }
}

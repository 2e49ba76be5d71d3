package dev.monoquant.files.output;

import dev.monoquant.files.input.Locations;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Renames a finished output to its target.
 *
 * <p>A file, or a directory without a predecessor, is placed by one atomic rename. A directory that
 * replaces another takes two renames, the old one away and the new one in, since POSIX has no
 * rename over a directory that is not empty: a crash between the two leaves no directory of that
 * name, the complete old one under {@code .NAME.quant-PID-RANDOM.old} and the complete new one
 * under {@code ....tmp}; the next run restores the old one. If the second rename fails, the old one
 * is restored immediately. With {@code sync}, files are flushed before the rename and the folder
 * after it, so that a power cut leaves either the old or the new output.
 *
 * @param target its final name
 * @param temporary its current name
 * @param old the name for the directory that it replaces; the next run on the target finds it there
 * @param directory whether it is a directory
 * @param sync whether the output must survive a power cut; its files are flushed already
 * @param disk the file system
 */
record Placement(
    Path target, Path temporary, Path old, boolean directory, boolean sync, Disk disk) {

  /**
   * Renames the output.
   *
   * @return the new name of the replaced directory; empty if there was none
   * @throws IOException if the rename fails; the previous output then keeps its name
   */
  Optional<Path> rename() throws IOException {
    if (directory && sync) {
      syncTree();
    }
    boolean replaces = directory && Files.exists(target, LinkOption.NOFOLLOW_LINKS);
    if (replaces) {
      disk.rename(target, old);
    }
    try {
      disk.rename(temporary, target);
    } catch (IOException | RuntimeException | Error e) {
      if (replaces) {
        disk.rename(old, target);
      }
      throw e;
    }
    return replaces ? Optional.of(old) : Optional.empty();
  }

  private void syncTree() throws IOException {
    try (var paths = Files.walk(temporary)) {
      for (Path path : (Iterable<Path>) paths.filter(Files::isDirectory)::iterator) {
        disk.syncDirectory(path);
      }
    }
  }

  /**
   * Flushes the new name to disk, then removes the replaced output.
   *
   * @param replaced what {@link #rename} returned
   * @return what could not be removed; empty if all was removed
   * @throws IOException if the folder cannot be flushed
   */
  Optional<String> settle(Optional<Path> replaced) throws IOException {
    if (sync) {
      disk.syncDirectory(Locations.folder(target));
    }
    if (replaced.isPresent()) {
      try {
        Leftovers.deleteTree(replaced.get());
      } catch (IOException e) {
        // The output is complete and in place; the next run on this target tries again.
        return Optional.of(
            "left over: the directory that was replaced, as "
                + replaced.get().getFileName()
                + ", since it could not be removed: "
                + e
                + ". Remove it by hand");
      }
    }
    return Optional.empty();
  }
}

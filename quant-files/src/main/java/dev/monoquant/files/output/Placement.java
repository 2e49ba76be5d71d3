package dev.monoquant.files.output;

import dev.monoquant.files.input.Locations;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Gives a finished output the name of its target.
 *
 * <p>A file, or a directory where none was, appears by one atomic rename, complete. A directory
 * that replaces another takes two renames, the old one away and the new one in, since POSIX has no
 * rename over a directory that is not empty: a crash just between them leaves no directory of that
 * name, the complete old one under {@code .NAME.quant-PID-RANDOM.old} and the complete new one
 * under {@code ....tmp}; the next run puts the old one back. If the second rename fails, the old
 * one is put back at once. With {@code sync}, files are flushed before the rename and the folder
 * after it, so that a power cut leaves the old or the new.
 *
 * @param target the name it gets
 * @param temporary the name it has
 * @param directory whether it is a directory
 * @param sync whether a power cut must not hurt; its files were flushed then
 * @param disk the file system
 */
record Placement(Path target, Path temporary, boolean directory, boolean sync, Disk disk) {

  /**
   * Renames the output.
   *
   * @return the directory that had the name before, under another; empty if there was none
   * @throws IOException if that fails; what had the name before has it still
   */
  Optional<Path> rename() throws IOException {
    if (directory && sync) {
      syncTree();
    }
    boolean replaces = directory && Files.exists(target, LinkOption.NOFOLLOW_LINKS);
    Path old = Leftovers.oldName(temporary);
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
   * Makes the new name last, then removes what had it before.
   *
   * @param replaced what {@link #rename} returned
   * @return what could not be removed; empty if nothing is left
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
        // The output is complete and in place; the next run to this target tries again.
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

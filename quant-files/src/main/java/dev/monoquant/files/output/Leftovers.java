package dev.monoquant.files.output;

import dev.monoquant.files.input.Locations;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The temporary names beside a target, and the files that killed runs left under them.
 *
 * <p>{@code .NAME.quant-PID-RANDOM.tmp} is an unfinished output; {@code .NAME.quant-PID-RANDOM.old}
 * is the directory that it replaces. They are leftovers if none of their files is locked (a run
 * locks the files that it writes) and no process with that PID runs. If the PID is that of this
 * process, the names that it does not use itself are leftovers, because in a container each run may
 * have the same PID.
 */
public final class Leftovers {

  private static final Pattern SUFFIX = Pattern.compile("(\\d{1,18})-[0-9a-f]{16}\\.(tmp|old)");

  /** The temporary names ending in .tmp that this JVM uses. */
  private static final Set<Path> OWN = ConcurrentHashMap.newKeySet();

  private Leftovers() {}

  /**
   * {@return whether a run uses this name for a temporary file or directory}
   *
   * @param fileName a name without folders
   */
  public static boolean isTemporary(String fileName) {
    int at = fileName.lastIndexOf(".quant-");
    return TargetLock.isLock(fileName)
        || (fileName.startsWith(".")
            && at > 0
            && SUFFIX.matcher(fileName.substring(at + ".quant-".length())).matches());
  }

  /** {@return a new name ending in .tmp beside the target, in use until {@link #forget}} */
  static Path freshName(Path target) {
    Path name =
        target.resolveSibling(
            String.format(
                "%s%d-%016x.tmp",
                prefix(target),
                ProcessHandle.current().pid(),
                ThreadLocalRandom.current().nextLong()));
    OWN.add(name);
    return name;
  }

  /** Ends the use of a name. */
  static void forget(Path name) {
    OWN.remove(name);
  }

  /** {@return the name ending in .old that belongs to one ending in .tmp} */
  static Path oldName(Path temporary) {
    String name = temporary.getFileName().toString();
    return temporary.resolveSibling(name.substring(0, name.length() - "tmp".length()) + "old");
  }

  private static String prefix(Path target) {
    return "." + target.getFileName() + ".quant-";
  }

  /**
   * Restores an old directory that a killed run moved away, and removes all other leftovers of
   * killed runs beside the target.
   *
   * @param keep the directory to resume
   * @return the actions, as notes
   */
  static List<String> sweep(Path target, Optional<Path> keep, Disk disk) throws IOException {
    List<String> notes = new ArrayList<>();
    for (Path left : stale(target)) {
      if (keep.equals(Optional.of(left))) {
        continue;
      }
      boolean old = left.toString().endsWith(".old");
      if (old && !Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
        disk.rename(left, target);
        notes.add("put back: what a killed run had moved to " + left.getFileName());
      } else {
        deleteTree(left);
        notes.add("removed: " + left.getFileName() + ", which a killed run had left");
      }
    }
    return notes;
  }

  /** The unfinished directory with the longest journal; empty if none has a journal. */
  static Optional<Path> resumable(Path target) throws IOException {
    Path best = null;
    long longest = 0;
    for (Path left : stale(target)) {
      Path journal = left.resolve(Journal.FILE);
      // The files may come from elsewhere: a write would follow a link.
      if (left.toString().endsWith(".tmp")
          && Files.isDirectory(left, LinkOption.NOFOLLOW_LINKS)
          && Files.isRegularFile(journal, LinkOption.NOFOLLOW_LINKS)) {
        if (Files.size(journal) > longest) {
          longest = Files.size(journal);
          best = left;
        }
      }
    }
    return Optional.ofNullable(best);
  }

  /** Removes all files below a directory except the given ones; folders stay. */
  static void deleteAllBut(Path root, Set<Path> keep) throws IOException {
    try (Stream<Path> paths = Files.walk(root)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        if (!Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS) && !keep.contains(path)) {
          Files.delete(path);
        }
      }
    }
  }

  private static List<Path> stale(Path target) throws IOException {
    List<Path> found = new ArrayList<>();
    String prefix = prefix(target);
    try (DirectoryStream<Path> siblings =
        Files.newDirectoryStream(
            Locations.folder(target), p -> p.getFileName().toString().startsWith(prefix))) {
      for (Path sibling : siblings) {
        Matcher suffix =
            SUFFIX.matcher(sibling.getFileName().toString().substring(prefix.length()));
        if (suffix.matches()
            && !inUse(sibling, Long.parseLong(suffix.group(1)))
            && !anyLocked(sibling)) {
          found.add(sibling);
        }
      }
    }
    found.sort(null);
    return found;
  }

  private static boolean inUse(Path name, long pid) {
    if (pid == ProcessHandle.current().pid()) {
      String text = name.getFileName().toString();
      String made = text.substring(0, text.length() - "tmp".length()) + "tmp";
      return OWN.contains(name.resolveSibling(made));
    }
    Optional<ProcessHandle> process = ProcessHandle.of(pid);
    return process.isPresent() && process.get().isAlive();
  }

  private static boolean anyLocked(Path path) throws IOException {
    List<Path> files = new ArrayList<>();
    if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
        entries.forEach(files::add);
      }
    } else {
      files.add(path);
    }
    for (Path file : files) {
      if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) && locked(file)) {
        return true;
      }
    }
    return false;
  }

  private static boolean locked(Path file) {
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
        FileLock lock = channel.tryLock()) {
      return lock == null;
    } catch (IOException | OverlappingFileLockException inUse) {
      return true;
    }
  }

  /** Removes a file, or a directory with its contents; links are removed, not followed. */
  static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, IOException error)
              throws IOException {
            if (error != null) {
              throw error;
            }
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}

package dev.monoquant.files.output;

import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The read permissions of an output: the group and others may read it if they may read every input
 * and the replaced output; the umask restricts it further. Does nothing on file systems without
 * POSIX modes.
 *
 * @param group the group of new files beside the output; null without modes
 * @param groupReads whether that group may read it
 * @param othersRead whether all users may read it
 */
record OutputMode(@Nullable GroupPrincipal group, boolean groupReads, boolean othersRead) {

  private static final int MAX_DEPTH = 32;

  /**
   * Determines the mode of an output.
   *
   * @param job the job; its side files, which are copied one by one, do not count
   * @param target the output that may be replaced
   * @param beside a new file beside the output, which has its group
   */
  static OutputMode of(OutputJob job, Path target, Path beside) throws IOException {
    OutputMode mode = new OutputMode(group(beside), true, true);
    Set<Path> sides = new HashSet<>();
    job.source().info().sideFiles().stream().map(SideFile::path).forEach(sides::add);
    for (Path input : job.source().info().files()) {
      if (!sides.contains(input)) {
        mode = mode.and(input);
      }
    }
    for (Path root : OutputTarget.inputDirectories(job)) {
      mode = mode.and(root);
    }
    return mode.andAllOf(target);
  }

  private static @Nullable GroupPrincipal group(Path beside) throws IOException {
    PosixFileAttributeView view = Files.getFileAttributeView(beside, PosixFileAttributeView.class);
    return view == null ? null : view.readAttributes().group();
  }

  private OutputMode andAllOf(Path replaced) throws IOException {
    OutputMode mode = this;
    if (Files.exists(replaced)) {
      try (Stream<Path> old = Files.walk(replaced, MAX_DEPTH)) {
        for (Path path : (Iterable<Path>) old::iterator) {
          mode = mode.and(path);
        }
      } catch (UncheckedIOException e) {
        throw e.getCause();
      }
    }
    return mode;
  }

  /** The mode, restricted to users who may also read another file or enter another directory. */
  OutputMode and(Path path) throws IOException {
    PosixFileAttributeView view = Files.getFileAttributeView(path, PosixFileAttributeView.class);
    if (group == null || view == null || !Files.exists(path)) {
      return this;
    }
    PosixFileAttributes found = view.readAttributes();
    Set<PosixFilePermission> mode = found.permissions();
    boolean directory = found.isDirectory();
    boolean everybody =
        mode.contains(
            directory ? PosixFilePermission.OTHERS_EXECUTE : PosixFilePermission.OTHERS_READ);
    boolean ofGroup =
        mode.contains(
            directory ? PosixFilePermission.GROUP_EXECUTE : PosixFilePermission.GROUP_READ);
    // Members of another group count as others.
    boolean same = found.group().equals(group);
    return new OutputMode(
        group, groupReads && (same ? ofGroup : everybody), othersRead && everybody);
  }

  /** {@return the attributes of a new file; the umask may restrict them} */
  FileAttribute<?>[] ofFile() {
    return attributes(false);
  }

  /** {@return the attributes of a new directory} */
  FileAttribute<?>[] ofDirectory() {
    return attributes(true);
  }

  private FileAttribute<?>[] attributes(boolean directory) {
    if (group == null) {
      return new FileAttribute<?>[0];
    }
    Set<PosixFilePermission> mode = EnumSet.allOf(PosixFilePermission.class);
    mode.removeIf(p -> !directory && p.name().endsWith("EXECUTE"));
    mode.removeIf(p -> !groupReads && p.name().startsWith("GROUP"));
    mode.removeIf(p -> !othersRead && p.name().startsWith("OTHERS"));
    return new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(mode)};
  }
}

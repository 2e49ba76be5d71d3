package dev.monoquant.files.output;

import dev.monoquant.OutputException;
import dev.monoquant.files.input.Locations;
import dev.monoquant.files.manifest.Manifest;
import dev.monoquant.spi.SideFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The checks of a target before the first byte is written. */
public final class OutputTarget {

  /** A suffix that starts with a letter; 3.1-8B has none. */
  private static final Pattern EXTENSION = Pattern.compile(".+\\.[A-Za-z][A-Za-z0-9]{0,11}");

  private OutputTarget() {}

  /**
   * {@return whether the name of a target is that of a directory: it has no extension}
   *
   * @param target the path of an output; it may not exist
   */
  public static boolean isNamedAsDirectory(Path target) {
    Path name = target.getFileName();
    return name != null && !EXTENSION.matcher(name.toString()).matches();
  }

  /**
   * Checks the target of an output.
   *
   * @param job the job
   * @param directory whether the output is a directory
   * @param bytes the minimum size of the output in bytes
   * @param disk the file system
   * @return the target, absolute, links resolved
   * @throws OutputException if the target may not be written
   */
  static Path check(OutputJob job, boolean directory, long bytes, Disk disk) throws IOException {
    Path named = job.options().target();
    Path target = resolve(named);
    boolean exists = Files.exists(target, LinkOption.NOFOLLOW_LINKS);
    refuseInputs(named, target, exists, directory, job);
    if (exists) {
      refuseExisting(named, target, directory, job.options().overwrite());
    }
    refuseFullDisk(named, Locations.folder(target), bytes, disk);
    return target;
  }

  private static Path resolve(Path named) throws IOException {
    Path absolute = named.toAbsolutePath().normalize();
    Path parent = absolute.getParent();
    if (parent == null || absolute.getFileName() == null) {
      throw new OutputException(named + ": is the root of a file system. Name a file in it.");
    }
    if (Files.exists(absolute)) {
      return absolute.toRealPath();
    }
    if (Files.isSymbolicLink(absolute)) {
      throw new OutputException(
          named + ": is a link to something that does not exist. Remove the link or name a file.");
    }
    if (!Files.isDirectory(parent)) {
      throw new OutputException(
          named + ": the folder " + parent + " does not exist. Make it first: mkdir -p " + parent);
    }
    if (!Files.isWritable(parent)) {
      throw new OutputException(
          named
              + ": the folder "
              + parent
              + " may not be written. Choose another or change its mode.");
    }
    return parent.toRealPath().resolve(absolute.getFileName());
  }

  private static void refuseInputs(
      Path named, Path target, boolean exists, boolean directory, OutputJob job)
      throws IOException {
    for (Path input : job.source().info().files()) {
      if (exists && Files.exists(input) && Files.isSameFile(target, input)) {
        throw new OutputException(
            named
                + ": is the input "
                + input
                + " itself. An input is never written; name another.");
      }
      if (directory && input.toRealPath().startsWith(target)) {
        throw new OutputException(
            named + ": holds the input " + input + ". Name a directory that holds no input.");
      }
    }
    for (Path root : inputDirectories(job)) {
      if (target.startsWith(root)) {
        throw new OutputException(
            named + ": lies in the input directory " + root + ". Name a target outside of it.");
      }
    }
  }

  /** The directories of the shards and side files: each path without its name in the model. */
  static Set<Path> inputDirectories(OutputJob job) throws IOException {
    Set<String> shards = new HashSet<>();
    job.contents().kept().forEach(t -> shards.add(t.shard()));
    job.contents().weights().forEach(w -> shards.add(w.matrix().tensor().shard()));
    shards.remove("");
    Set<Path> roots = new HashSet<>();
    for (Path file : job.source().info().files()) {
      for (String shard : shards) {
        addRoot(roots, file, shard);
      }
    }
    for (SideFile side : job.source().info().sideFiles()) {
      // Side files of a single file are inputs, but do not make its directory a model.
      if (job.source().info().files().contains(side.path())) {
        addRoot(roots, side.path(), side.name());
      }
    }
    return roots;
  }

  private static void addRoot(Set<Path> roots, Path file, String name) throws IOException {
    Path relative = file.getFileSystem().getPath(name);
    Path absolute = file.toAbsolutePath().normalize();
    if (absolute.endsWith(relative)) {
      Path root = absolute;
      for (int i = 0; i < relative.getNameCount() && root != null; i++) {
        root = root.getParent();
      }
      if (root != null && Files.exists(root)) {
        roots.add(root.toRealPath());
      }
    }
  }

  private static void refuseExisting(Path named, Path target, boolean directory, boolean overwrite)
      throws IOException {
    boolean isDirectory = Files.isDirectory(target);
    if (!isDirectory && !Files.isRegularFile(target)) {
      throw new OutputException(
          named + ": is neither a file nor a directory. Name another target.");
    }
    if (directory != isDirectory) {
      throw new OutputException(
          named
              + (isDirectory
                  ? ": is a directory, the output is a single file. Name a file in it."
                  : ": is a file, the output is a directory. Name another target."));
    }
    if (directory && isEmpty(target)) {
      return;
    }
    if (!overwrite) {
      throw new OutputException(
          named
              + ": exists. Name another target, or allow to replace it with --force (overwrite).");
    }
    if (directory && !holdsModel(target)) {
      throw new OutputException(
          named
              + ": is a directory that holds no model, so it is not replaced even by force. Name"
              + " another target or remove it by hand.");
    }
    if (!Files.isWritable(Locations.folder(target))) {
      throw new OutputException(
          named + ": its folder may not be written. Choose another or change its mode.");
    }
  }

  private static boolean isEmpty(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.findAny().isEmpty();
    }
  }

  private static boolean holdsModel(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      List<String> names = entries.map(p -> p.getFileName().toString()).toList();
      return names.stream()
          .anyMatch(
              n ->
                  n.endsWith(".safetensors")
                      || n.endsWith(".safetensors.index.json")
                      || n.endsWith(".pt")
                      || n.equals(Manifest.FILE));
    }
  }

  private static void refuseFullDisk(Path named, Path parent, long bytes, Disk disk)
      throws IOException {
    long usable = disk.usableBytes(parent);
    if (usable < bytes) {
      throw new OutputException(
          named
              + ": no space left: needs "
              + bytes
              + " bytes, "
              + usable
              + " bytes are available. Free space or choose another disk.");
    }
  }
}

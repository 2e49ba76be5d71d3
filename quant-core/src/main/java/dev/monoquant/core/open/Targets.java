package dev.monoquant.core.open;

import dev.monoquant.OutputException;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Checks the targets of several outputs together; each is checked alone when it is opened. */
public final class Targets {

  private Targets() {}

  /**
   * Refuses two outputs at the same place, or one within another.
   *
   * @throws OutputException naming both
   */
  public static void requireApart(List<Path> targets) throws IOException {
    List<Path> places = new ArrayList<>();
    for (Path target : targets) {
      places.add(real(target));
    }
    for (int i = 0; i < targets.size(); i++) {
      for (int k = 0; k < i; k++) {
        if (places.get(i).equals(places.get(k))) {
          throw new OutputException(
              targets.get(i)
                  + ": two outputs of a run cannot have the same path. Name another for one of them");
        }
        requireOutside(targets.get(i), places.get(i), targets.get(k), places.get(k));
        requireOutside(targets.get(k), places.get(k), targets.get(i), places.get(i));
      }
    }
  }

  private static void requireOutside(Path named, Path place, Path other, Path root) {
    if (place.startsWith(root)) {
      throw new OutputException(
          named + ": lies in the output " + other + ". Name a target outside of it");
    }
  }

  /** Resolves links in the existing part of a path. */
  private static Path real(Path path) throws IOException {
    Path absolute = path.toAbsolutePath().normalize();
    Path name = absolute.getFileName();
    Path parent = absolute.getParent();
    return Files.exists(absolute) || name == null || parent == null
        ? absolute.toRealPath()
        : real(parent).resolve(name);
  }

  /**
   * Refuses outputs that do not fit together on a disk.
   *
   * @param bytes the bytes of each output by its target
   * @throws OutputException with the bytes needed and available
   */
  public static void requireSpace(Map<Path, Long> bytes) throws IOException {
    Map<FileStore, Long> needed = new LinkedHashMap<>();
    for (Map.Entry<Path, Long> output : bytes.entrySet()) {
      Path folder = output.getKey().toAbsolutePath().normalize().getParent();
      if (folder != null && Files.isDirectory(folder)) {
        needed.merge(Files.getFileStore(folder), output.getValue(), Math::addExact);
      }
    }
    for (Map.Entry<FileStore, Long> disk : needed.entrySet()) {
      long usable = disk.getKey().getUsableSpace();
      if (usable < disk.getValue()) {
        throw new OutputException(
            "no space left for all outputs: they need "
                + disk.getValue()
                + " bytes on "
                + disk.getKey().name()
                + ", "
                + usable
                + " bytes are available. Free space, choose another disk or write fewer outputs.");
      }
    }
  }
}

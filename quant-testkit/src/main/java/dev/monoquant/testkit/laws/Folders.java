package dev.monoquant.testkit.laws;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Small folders: their contents, copies and removal. */
final class Folders {

  private Folders() {}

  /** The code that uses a temporary folder. */
  interface Use {
    void in(Path folder) throws IOException;
  }

  /** Makes a folder, uses it and deletes it with its contents. */
  static void temporary(Use use) {
    try {
      Path folder = Files.createTempDirectory("laws");
      try {
        use.in(folder);
      } finally {
        List<Path> all = new ArrayList<>(walk(folder));
        all.sort(Comparator.reverseOrder());
        for (Path path : all) {
          Files.delete(path);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Checks that a folder contains nothing, not even a temporary file. */
  static void requireEmpty(String law, Object subject, Path folder) throws IOException {
    List<Path> found = walk(folder);
    if (found.size() > 1) {
      throw new LawViolation(law, subject, "the folder contains " + found.subList(1, found.size()));
    }
  }

  /** The times of all entries of a folder and the bytes of its files; compare two with equals. */
  static Map<String, String> snapshot(Path folder) {
    Map<String, String> found = new TreeMap<>();
    try {
      for (Path path : walk(folder)) {
        String content =
            Files.isRegularFile(path)
                ? Files.size(path) + " bytes, hash " + Arrays.hashCode(Files.readAllBytes(path))
                : "no file";
        found.put(
            folder.relativize(path).toString(),
            content + ", changed " + Files.getLastModifiedTime(path));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found;
  }

  /** The regular files of a model: the file itself, or all files below a directory. */
  static List<Path> files(Path model) throws IOException {
    return walk(model).stream().filter(Files::isRegularFile).toList();
  }

  /** Copies a file or a directory into a folder, under its own name. */
  static Path copy(Path model, Path folder) throws IOException {
    Path target = folder.resolve(String.valueOf(model.getFileName()));
    for (Path path : walk(model)) {
      Files.copy(path, target.resolve(model.relativize(path).toString()).normalize());
    }
    return target;
  }

  /** Copies the contents of a folder to an empty one. */
  static void copyContents(Path from, Path to) throws IOException {
    for (Path path : walk(from)) {
      if (!path.equals(from)) {
        Files.copy(path, to.resolve(from.relativize(path).toString()));
      }
    }
  }

  private static List<Path> walk(Path start) throws IOException {
    try (Stream<Path> paths = Files.walk(start)) {
      return paths.sorted().toList();
    }
  }
}

package dev.monoquant.testkit.contracts;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A folder that is deleted after its use. */
final class TemporaryFolder {

  private TemporaryFolder() {}

  /** The code that uses the folder. */
  interface Use {
    void of(Path folder) throws IOException;
  }

  /** Makes a folder, uses it and deletes it with its contents. */
  static void use(Use use) {
    try {
      Path folder = Files.createTempDirectory("contract");
      try {
        use.of(folder);
      } finally {
        for (Path path : deepestFirst(folder)) {
          Files.delete(path);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Path> deepestFirst(Path folder) throws IOException {
    try (Stream<Path> paths = Files.walk(folder)) {
      return paths.sorted(Comparator.reverseOrder()).toList();
    }
  }
}

package dev.monoquant.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** File operations of the benchmarks. */
final class FileTrees {

  private FileTrees() {}

  /**
   * {@return a new directory in a memory file system; where there is none, in the directory for
   * temporary files}
   *
   * @throws IOException if it cannot be made
   */
  static Path fastDirectory() throws IOException {
    Path memory = Path.of("/dev/shm");
    return Files.isWritable(memory)
        ? Files.createTempDirectory(memory, "quant-bench-")
        : Files.createTempDirectory("quant-bench-");
  }

  /**
   * {@return bytes of a file, or of all files below a directory}
   *
   * @param path a file or directory
   * @throws IOException if reading fails
   */
  static long bytes(Path path) throws IOException {
    long sum = 0;
    for (Path file : walk(path)) {
      sum += Files.isRegularFile(file) ? Files.size(file) : 0;
    }
    return sum;
  }

  /**
   * Deletes a file or directory if it exists.
   *
   * @param path a file or directory
   * @throws IOException if deleting fails
   */
  static void delete(Path path) throws IOException {
    if (Files.exists(path)) {
      List<Path> deepestFirst = walk(path).stream().sorted(Comparator.reverseOrder()).toList();
      for (Path file : deepestFirst) {
        Files.delete(file);
      }
    }
  }

  /**
   * Reads a file to its end, so that it is in the page cache if that is large enough.
   *
   * @param file a file
   * @throws IOException if reading fails
   */
  static void warm(Path file) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 22);
    try (FileChannel in = FileChannel.open(file)) {
      while (in.read(buffer.clear()) >= 0) {
        // Only the pages are needed, not the bytes.
      }
    }
  }

  private static List<Path> walk(Path path) throws IOException {
    try (Stream<Path> files = Files.walk(path)) {
      return files.toList();
    }
  }
}

package dev.monoquant.core.trial;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The folder shared by a process and its child; it contains files and no folders. */
final class ChildFolder {

  /** The file that exists once the engine has started. */
  static final String READY = "ready";

  static final String JOB = "job.json";
  static final String RESULT = "result.json";
  static final String PROGRESS = "progress";

  /** The copy of an output that measures its layers. */
  static final String TIMED = "timed.pt";

  /** The report that the JVM writes when native code crashes. */
  static final String CRASH = "crash.log";

  private ChildFolder() {}

  /** Writes a file as a whole, so that its reader never sees a part of it. */
  static void put(Path file, String text) throws IOException {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    Files.writeString(part, text);
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /**
   * Removes the folder with its files; a file that another process removes at the same time is not
   * an error.
   */
  static void delete(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    }
    Files.deleteIfExists(folder);
  }
}

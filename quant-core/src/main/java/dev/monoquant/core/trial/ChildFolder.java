package dev.monoquant.core.trial;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The folder that a process and its child share: files, and no folders in it. */
final class ChildFolder {

  /** Exists as soon as the engine has started. */
  static final String READY = "ready";

  static final String JOB = "job.json";
  static final String RESULT = "result.json";

  /** What the JVM writes when native code crashes. */
  static final String CRASH = "crash.log";

  private ChildFolder() {}

  /** Removes the folder with its files; what is removed at the same time elsewhere is no error. */
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

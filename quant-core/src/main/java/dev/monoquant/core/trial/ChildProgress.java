package dev.monoquant.core.trial;

import dev.monoquant.core.control.Progress;
import dev.monoquant.core.settings.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The progress of a child: it writes a small file with the stage, the numbers of the progress and
 * its subject, which its parent reads and tells.
 */
final class ChildProgress implements Progress {

  private static final long WRITE_NANOS = 200_000_000L;

  private final Path file;
  private Stage stage = Stage.COMMITTING;
  private long written;

  /**
   * @param folder the folder that the child and its parent share
   */
  ChildProgress(Path folder) {
    this.file = folder.resolve(ChildFolder.PROGRESS);
  }

  /** Writes the progress: each stage at once, then a few times a second at most. */
  @Override
  public void update(Stage now, long done, long total, String subject) {
    long time = System.nanoTime();
    if (now == stage && time - written < WRITE_NANOS) {
      return;
    }
    stage = now;
    written = time;
    try {
      ChildFolder.put(file, now + " " + done + " " + total + " " + subject);
    } catch (IOException e) {
      // Only the user's display is late.
    }
  }

  /** Removes what a child has told of a job that is over. */
  static void forget(Path folder) {
    try {
      Files.deleteIfExists(folder.resolve(ChildFolder.PROGRESS));
    } catch (IOException e) {
      // The folder is removed as a whole at the end.
    }
  }

  /** Reads and tells the progress of a child, if it has written any. */
  static void read(Settings settings, Path folder) {
    Path file = folder.resolve(ChildFolder.PROGRESS);
    if (!Files.exists(file)) {
      return;
    }
    try {
      List<String> words = List.of(Files.readString(file).split(" ", 4));
      if (words.size() == 4) {
        long total = Math.max(0, Long.parseLong(words.get(2)));
        long done = Math.min(total, Math.max(0, Long.parseLong(words.get(1))));
        settings.progress().update(Stage.valueOf(words.get(0)), done, total, words.get(3));
      }
    } catch (IOException | IllegalArgumentException e) {
      // The next file is read instead.
    }
  }
}

package dev.monoquant.core.trial;

import dev.monoquant.core.control.Progress;
import dev.monoquant.core.settings.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The progress of a pass that observes, told from a child by a small file. */
final class ObserveProgress {

  private static final long WRITE_NANOS = 200_000_000L;

  private final Path file;
  private long written = System.nanoTime();

  ObserveProgress(Path folder) {
    this.file = folder.resolve(ChildFolder.PROGRESS);
  }

  /** Writes the progress, a few times a second at most. */
  void write(long calls, int sample, int samples) {
    if (System.nanoTime() - written < WRITE_NANOS) {
      return;
    }
    written = System.nanoTime();
    try {
      ChildFolder.put(file, calls + " " + sample + " " + samples);
    } catch (IOException e) {
      // Only the user's display is late; the sums are saved elsewhere.
    }
  }

  /** Removes what a child has told of a pass that is over. */
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
      List<String> numbers = List.of(Files.readString(file).split(" ", -1));
      if (numbers.size() == 3) {
        tell(
            settings,
            Long.parseLong(numbers.get(0)),
            Integer.parseInt(numbers.get(1)),
            Integer.parseInt(numbers.get(2)));
      }
    } catch (IOException | NumberFormatException e) {
      // The next file is read instead.
    }
  }

  /** Tells the progress: samples that are done, of all. */
  static void tell(Settings settings, long calls, int sample, int samples) {
    settings.progress().update(Progress.Stage.OBSERVING, sample, samples, "call " + calls);
  }
}

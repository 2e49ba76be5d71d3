package dev.monoquant.files.manifest;

import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The files of a model as they were when it was opened. A capability of a {@link ModelSource}:
 * {@link InputHashes} of an output of such a source refuse a file that was replaced since then,
 * however long planning took. Immutable; thread-safe.
 */
public final class OpenedFiles {

  private final Map<Path, Stamp> stamps;

  private OpenedFiles(Map<Path, Stamp> stamps) {
    this.stamps = Map.copyOf(stamps);
  }

  /**
   * Looks at the files of a model.
   *
   * @param source the model, just opened
   * @return its files; without those that have no attributes, on which {@link InputHashes} fails
   */
  public static OpenedFiles of(ModelSource source) {
    Map<Path, Stamp> stamps = new HashMap<>();
    for (Path file : source.info().files()) {
      try {
        stamps.put(file, Stamp.of(file));
      } catch (IOException unreadable) {
        // What reads the file tells why it cannot.
      }
    }
    return new OpenedFiles(stamps);
  }

  /** {@return what a file was when the model was opened; empty if that is unknown} */
  Optional<Stamp> stamp(Path file) {
    return Optional.ofNullable(stamps.get(file));
  }
}

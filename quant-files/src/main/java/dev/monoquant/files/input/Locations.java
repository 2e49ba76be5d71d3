package dev.monoquant.files.input;

import static java.util.Objects.requireNonNull;

import java.nio.file.Path;

/** Folders of paths. */
public final class Locations {

  private Locations() {}

  /**
   * {@return the absolute folder of a path that is not a root}
   *
   * @param path a path; it need not exist
   */
  public static Path folder(Path path) {
    return requireNonNull(path.toAbsolutePath().getParent(), () -> path + " is a root");
  }
}

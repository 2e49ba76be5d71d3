package dev.monoquant.io.calibration;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.FileFault;
import dev.monoquant.files.manifest.Sha256;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** The file of a calibration, with its hash, which is computed when it is first needed. */
final class HashedFile {

  private final Path path;
  private Optional<String> digest = Optional.empty();

  HashedFile(Path path) {
    this.path = path;
  }

  /** {@return its name, for messages} */
  String describe() {
    Path name = path.getFileName();
    return name == null ? path.toString() : name.toString();
  }

  /** {@return the SHA-256 of its bytes} */
  synchronized String digest() {
    if (digest.isEmpty()) {
      try {
        digest = Optional.of(Sha256.of(path));
      } catch (IOException e) {
        throw unreadable(e);
      }
    }
    return digest.get();
  }

  ModelFormatException unreadable(IOException e) {
    return unreadable(path, e);
  }

  static ModelFormatException unreadable(Path file, IOException e) {
    return new ModelFormatException(
        Reason.UNREADABLE, file.toString(), "", FileFault.reading(e), e);
  }

  @Override
  public String toString() {
    return path.toString();
  }
}

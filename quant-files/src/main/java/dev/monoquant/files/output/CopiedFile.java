package dev.monoquant.files.output;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.MappedFile;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A file of the input that an output carries over. */
final class CopiedFile {

  private CopiedFile() {}

  /**
   * Opens it.
   *
   * @param file its path
   * @return its bytes; the caller closes them
   * @throws ModelFormatException if it cannot be opened, which is no fault of the output
   */
  static MappedFile open(Path file) {
    try {
      return MappedFile.open(file);
    } catch (IOException e) {
      throw new ModelFormatException(
          Reason.UNREADABLE,
          file.toString(),
          "",
          "it could not be read, and the output carries it over: "
              + why(e)
              + ". Make it readable, or remove it",
          e);
    }
  }

  private static String why(IOException e) {
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    return e instanceof NoSuchFileException ? "it is not there any more" : e.toString();
  }
}

package dev.monoquant.files.json;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads small JSON files as a whole, up to {@link ReadLimits#maxIndexBytes()}. */
public final class JsonFiles {

  private JsonFiles() {}

  /**
   * Reads a file.
   *
   * @param path the file
   * @param file its name for messages
   * @param what what the file is, such as {@code the index}
   * @param reason the reason if it is not strict JSON in UTF-8
   * @param python whether to accept Python's NaN and Infinity
   * @param limits bounds on sizes and counts read from untrusted input
   * @return the value in the file
   * @throws IOException if it cannot be read
   * @throws ModelFormatException if it is too long or not strict JSON
   */
  public static JsonValue read(
      Path path, String file, String what, Reason reason, boolean python, ReadLimits limits)
      throws IOException {
    long size = Files.size(path);
    if (size > Math.min(limits.maxIndexBytes(), Integer.MAX_VALUE)) {
      throw new ModelFormatException(
          Reason.LIMIT,
          file,
          "",
          what
              + " has "
              + size
              + " bytes, at most "
              + limits.maxIndexBytes()
              + " are read (limit maxIndexBytes). Raise the limit if the file can be trusted.");
    }
    return StrictJson.parse(
        ByteBuffer.wrap(Files.readAllBytes(path)),
        new JsonDialect(
            file, what, reason, reason, limits.maxDepth(), python, limits.maxParsedBytes()));
  }
}

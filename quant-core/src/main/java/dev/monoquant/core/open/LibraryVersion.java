package dev.monoquant.core.open;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;

/** The version of this library. */
public final class LibraryVersion {

  private LibraryVersion() {}

  /** Read from a resource, because the manifest of a jar on the module path is not read. */
  public static String text() {
    Properties properties = new Properties();
    try (InputStream in =
        LibraryVersion.class.getResourceAsStream("/dev/monoquant/core/version.properties")) {
      properties.load(Objects.requireNonNull(in, "version.properties"));
    } catch (IOException e) {
      throw new UncheckedIOException("version.properties in the jar cannot be read", e);
    }
    return properties.getProperty("version");
  }
}

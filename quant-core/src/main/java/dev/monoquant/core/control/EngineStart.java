package dev.monoquant.core.control;

import ai.djl.engine.Engine;
import ai.djl.util.Utils;
import dev.monoquant.OutputException;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Set;
import java.util.zip.ZipEntry;

/**
 * Starts the PyTorch engine, which unpacks its libraries into a folder at its first start, and
 * reports why it cannot start.
 *
 * <p>What this does not do: it adds no libraries to the class path. Thread-safe, as the engine is.
 */
public final class EngineStart {

  private static final String ENGINE = "PyTorch";
  private static final String LIBRARIES = "native/lib/pytorch.properties";

  private EngineStart() {}

  /**
   * Starts the engine; does nothing if it runs already. Called before work whose result is run, so
   * that no work is lost.
   *
   * @throws OutputException if its libraries cannot be unpacked, with the folder and the needed and
   *     free bytes
   * @throws ValidationException if it cannot start for another reason
   */
  public static void require() {
    try {
      if (Engine.getEngine(ENGINE) != null) {
        return;
      }
      throw new ValidationException(
          "the PyTorch engine is not on the class path. Add ai.djl.pytorch:pytorch-engine and the"
              + " natives of this platform");
    } catch (QuantException e) {
      throw e;
    } catch (RuntimeException | LinkageError e) {
      throw refusal(e);
    }
  }

  private static QuantException refusal(Throwable e) {
    Throwable root = e;
    boolean unpacking = false;
    Set<Throwable> seen = new HashSet<>();
    while (seen.add(root) && root.getCause() != null) {
      unpacking |= root instanceof IOException;
      root = root.getCause();
    }
    unpacking |= root instanceof IOException;
    String why = why(root);
    if (!unpacking) {
      return new ValidationException(
          "the PyTorch engine that models are run with could not start: "
              + why
              + ". Add its natives to the class path (see quant doctor)",
          e);
    }
    Path folder = Utils.getEngineCacheDir();
    return new OutputException(
        "the PyTorch engine that models are run with could not start: it unpacks its libraries to "
            + folder
            + ", and that failed: "
            + why
            + ". "
            + room(folder)
            + "Make room, or set ENGINE_CACHE_DIR to a folder that can be written",
        e);
  }

  private static String why(Throwable root) {
    if (!(root instanceof FileSystemException file)) {
      return String.valueOf(root.getMessage());
    }
    String reason = file.getReason();
    if (reason == null) {
      reason = root instanceof AccessDeniedException ? "permission denied" : "it cannot be made";
    }
    return reason + " (" + file.getFile() + ")";
  }

  private static String room(Path folder) {
    OptionalLong needed = needed();
    OptionalLong free = free(folder);
    return (needed.isPresent() ? "It needs " + mebibytes(needed.getAsLong()) : "")
        + (needed.isPresent() && free.isPresent() ? ", and " : "")
        + (free.isPresent() ? mebibytes(free.getAsLong()) + " are free there" : "")
        + (needed.isPresent() || free.isPresent() ? ". " : "");
  }

  private static String mebibytes(long bytes) {
    return (bytes >> 20) + " MiB";
  }

  /** The bytes of the packed libraries. */
  private static OptionalLong needed() {
    URL list = EngineStart.class.getClassLoader().getResource(LIBRARIES);
    try {
      URLConnection connection = list == null ? null : list.openConnection();
      if (connection instanceof JarURLConnection jar) {
        return OptionalLong.of(
            jar.getJarFile().stream()
                .filter(entry -> entry.getName().startsWith("pytorch/"))
                .mapToLong(ZipEntry::getSize)
                .filter(size -> size > 0)
                .sum());
      }
    } catch (IOException unknown) {
      // The size is only used in advice.
    }
    return OptionalLong.empty();
  }

  private static OptionalLong free(Path folder) {
    Path there = folder.toAbsolutePath();
    while (there.getParent() != null && !Files.exists(there)) {
      there = there.getParent();
    }
    try {
      return OptionalLong.of(Files.getFileStore(there).getUsableSpace());
    } catch (IOException unknown) {
      return OptionalLong.empty();
    }
  }
}

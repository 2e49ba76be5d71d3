package dev.monoquant.cli;

import dev.monoquant.OutputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Where {@code --report} goes. It is checked before the work begins, and never is a model. */
final class ReportFile {

  private ReportFile() {}

  /** Refuses a file that cannot be, or may not be, written. */
  static void check(Path file, Path input, Path output, boolean force) {
    try {
      if (within(file, input)) {
        throw refuse(file, "is, or lies in, the input, which is never written", "Name another");
      }
      if (within(file, output)) {
        throw refuse(file, "is, or lies in, the output", "Name another");
      }
      if (Files.isDirectory(file)) {
        throw refuse(file, "is a directory", "Name a file in it");
      }
      if (Files.exists(file) && !force) {
        throw refuse(file, "exists", "Name another, or allow to replace it with --force");
      }
      if (!Files.isDirectory(folder(file))) {
        throw refuse(file, "the folder " + folder(file) + " does not exist", "Make it first");
      }
      if (!Files.isWritable(folder(file))) {
        throw refuse(file, "the folder " + folder(file) + " may not be written", "Choose another");
      }
    } catch (IOException e) {
      throw new OutputException("--report " + file + ": its place cannot be looked at: " + e, e);
    }
  }

  /** Writes it whole or not at all. */
  static void write(Path file, String json) {
    Path part = file.resolveSibling("." + file.getFileName() + ".part");
    try {
      try {
        Files.writeString(part, json, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(part);
      }
    } catch (IOException e) {
      throw new OutputException(
          "--report " + file + ": it could not be written: " + e + ". The model was", e);
    }
  }

  private static boolean within(Path file, Path other) throws IOException {
    return real(file).startsWith(real(other));
  }

  /** Links resolved as far as there is something. */
  private static Path real(Path path) throws IOException {
    Path absolute = path.toAbsolutePath().normalize();
    Path name = absolute.getFileName();
    Path parent = absolute.getParent();
    if (Files.exists(absolute) || name == null || parent == null) {
      return absolute.toRealPath();
    }
    return real(parent).resolve(name);
  }

  private static Path folder(Path file) {
    Path parent = file.toAbsolutePath().normalize().getParent();
    return parent == null ? file.toAbsolutePath() : parent;
  }

  private static OutputException refuse(Path file, String why, String remedy) {
    return new OutputException("--report " + file + ": " + why + ". " + remedy);
  }
}

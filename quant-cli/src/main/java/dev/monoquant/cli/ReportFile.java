package dev.monoquant.cli;

import dev.monoquant.OutputException;
import dev.monoquant.core.render.ReportForm;
import dev.monoquant.files.input.FileFault;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/** The file of {@code --report}. It is checked before the run starts, and is never a model. */
final class ReportFile {

  private ReportFile() {}

  /**
   * Refuses a file that cannot or must not be written. An earlier report of its form is replaced,
   * any other file only with {@code --force}.
   */
  static void check(Path file, Path input, Path output, boolean force) {
    requireApart("--report", file, input, output);
    try {
      if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
        throw refuse(file, "is a directory", "Name a file in it");
      }
      ReportForm form = ReportForm.of(file);
      boolean exists = Files.exists(file, LinkOption.NOFOLLOW_LINKS);
      if (exists && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
        throw refuse(file, "is a link or no regular file", "Name another");
      }
      if (exists && !force && !isReport(file, form)) {
        throw refuse(
            file,
            "exists and is no report of this form",
            "Name another, or allow to replace it with --force");
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

  /** Refuses a file that is, or lies in, the input or the output. */
  static void requireApart(String option, Path file, Path input, Path output) {
    try {
      if (within(file, input)) {
        throw refuse(
            option, file, "is, or lies in, the input, which is never written", "Name another");
      }
      if (within(file, output)) {
        throw refuse(option, file, "is, or lies in, the output", "Name another");
      }
    } catch (IOException e) {
      throw new OutputException(option + " " + file + ": its place cannot be looked at: " + e, e);
    }
  }

  private static boolean isReport(Path file, ReportForm form) throws IOException {
    try (InputStream in = Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS)) {
      byte[] start = in.readNBytes(ReportForm.START_LENGTH);
      return form.isReport(new String(start, StandardCharsets.UTF_8));
    }
  }

  /**
   * Writes the report completely or not at all.
   *
   * @param model whether the model was written, for the message
   */
  static void write(Path file, String text, String model) {
    try {
      replace(file, text);
    } catch (IOException e) {
      throw new OutputException("--report " + file + ": " + FileFault.writing(e) + ". " + model, e);
    }
  }

  /** Writes a file completely or not at all, over an earlier one of that name. */
  static void replace(Path file, String text) throws IOException {
    String random = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    Path part = folder(file).resolve("." + file.getFileName() + "." + random + ".part");
    try {
      writeNew(part, text, mode(file));
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  /** Never changes an existing file. */
  private static void writeNew(Path file, String text, FileAttribute<?>... mode)
      throws IOException {
    Set<StandardOpenOption> isNew = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    try (SeekableByteChannel channel = Files.newByteChannel(file, isNew, mode)) {
      ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }
  }

  /** The mode of the replaced report, so that the new report is not readable by others. */
  private static FileAttribute<?>[] mode(Path file) throws IOException {
    PosixFileAttributeView view =
        Files.getFileAttributeView(file, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
    return view == null || !Files.exists(file, LinkOption.NOFOLLOW_LINKS)
        ? new FileAttribute<?>[0]
        : new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(view.readAttributes().permissions())
        };
  }

  private static boolean within(Path file, Path other) throws IOException {
    return real(file).startsWith(real(other));
  }

  /** Resolves links in the existing part of a path. */
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
    return refuse("--report", file, why, remedy);
  }

  private static OutputException refuse(String option, Path file, String why, String remedy) {
    return new OutputException(option + " " + file + ": " + why + ". " + remedy);
  }
}

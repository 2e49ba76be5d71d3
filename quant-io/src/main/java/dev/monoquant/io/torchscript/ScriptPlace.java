package dev.monoquant.io.torchscript;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.model.DirectoryChoices;
import dev.monoquant.files.model.SideFiles;
import dev.monoquant.files.torch.TorchProbe;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The location of an archive: a single file, or the only archive in a directory that DJL serves,
 * with {@code serving.properties} and other files beside it.
 *
 * @param files the files that are read
 * @param sides the files beside it
 * @param directory the directory, if the input is one
 * @param named whether {@code serving.properties} names the archive
 */
record ScriptPlace(List<Path> files, SideFiles sides, Optional<Path> directory, boolean named) {

  /** No location: a live module. */
  static final ScriptPlace NONE =
      new ScriptPlace(List.of(), SideFiles.NONE, Optional.empty(), false);

  private static final String SUFFIX = ".pt";
  private static final List<String> SUFFIXES = List.of(SUFFIX, ".ts", ".torchscript");
  private static final String SERVING = "serving.properties";

  /** The option by which DJL finds the archive of a directory first. */
  private static final String MODEL_NAME = "option.modelName";

  private static final int MAX_SERVING_BYTES = 1 << 20;

  static ScriptPlace of(Path file) {
    return new ScriptPlace(List.of(file), SideFiles.NONE, Optional.empty(), false);
  }

  /**
   * {@return whether a target has the name of an archive; any other is a directory if the input is}
   */
  static boolean isFile(Path target) {
    return target.getFileName() != null
        && SUFFIXES.stream().anyMatch(target.getFileName().toString()::endsWith);
  }

  /** {@return the archives in a directory; empty if it holds tensors of another format} */
  static List<Path> archives(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      List<Path> files = entries.sorted().toList();
      boolean other =
          files.stream()
              .map(f -> f.getFileName().toString())
              .anyMatch(n -> n.contains(".safetensors") || n.startsWith("pytorch_model"));
      return other ? List.of() : files.stream().filter(ScriptPlace::isArchive).toList();
    }
  }

  private static boolean isArchive(Path file) {
    try {
      return file.getFileName().toString().endsWith(SUFFIX)
          && Files.isRegularFile(file)
          && TorchProbe.look(TorchProbe.Ends.read(file)) == TorchProbe.Look.SCRIPT;
    } catch (IOException unreadable) {
      return false;
    }
  }

  /**
   * Finds the archive of a directory.
   *
   * @param directory the directory
   * @throws ModelFormatException if there is no archive, or several
   */
  static ScriptPlace in(Path directory) throws IOException {
    List<Path> archives = archives(directory);
    if (archives.size() != 1) {
      boolean none = archives.isEmpty();
      throw new ModelFormatException(
          none ? Reason.NOT_THIS_FORMAT : Reason.AMBIGUOUS_ROOT,
          directory.toString(),
          "",
          "there are "
              + archives.size()
              + " TorchScript archives"
              + (none
                  ? ". Give a directory with one .pt file."
                  : ", among them "
                      + archives.get(0).getFileName()
                      + " and "
                      + archives.get(1).getFileName()
                      + ". Give the file that you mean, or move the others away."));
    }
    return new ScriptPlace(
        archives,
        SideFiles.find(directory, Set.copyOf(archives), DirectoryChoices.DEFAULT.sideFiles()),
        Optional.of(directory),
        isNamed(directory, archives.get(0).getFileName().toString()));
  }

  /** Whether {@code serving.properties} names an archive, with or without its suffix. */
  private static boolean isNamed(Path directory, String archive) throws IOException {
    Path file = directory.resolve(SERVING);
    if (!Files.isRegularFile(file)) {
      return false;
    }
    long size = Files.size(file);
    if (size > MAX_SERVING_BYTES) {
      throw new ModelFormatException(
          Reason.LIMIT,
          file.toString(),
          "",
          "has " + size + " bytes; at most " + MAX_SERVING_BYTES + " are read. Shorten it.");
    }
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      properties.load(reader);
    } catch (IllegalArgumentException | CharacterCodingException e) {
      throw new ModelFormatException(
          Reason.METADATA,
          file.toString(),
          "",
          "is no file of properties in UTF-8: " + e + ". DJL would refuse it too. Correct it.",
          e);
    }
    String name = properties.getProperty(MODEL_NAME, "");
    return archive.equals(name) || archive.equals(name + SUFFIX);
  }

  /** {@return the archive} */
  Path file() {
    return files.get(0);
  }

  /**
   * Returns the name of the archive in another directory. DJL looks for an archive that {@code
   * serving.properties} names, then for one with the name of its directory: such an archive gets
   * the name of the new directory, any other keeps its name.
   *
   * @param target the other directory
   */
  String nameIn(Path target) {
    String name = file().getFileName().toString();
    Path own = directory.orElseThrow().toAbsolutePath().normalize().getFileName();
    Path other = target.toAbsolutePath().normalize().getFileName();
    boolean follows = !named && own != null && other != null && name.equals(own + SUFFIX);
    return follows ? other + SUFFIX : name;
  }
}

package dev.monoquant.maven;

import dev.monoquant.files.manifest.Sha256;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What an execution of the goal {@code quantize} read and wrote, as a text:
 *
 * <pre>
 * program   SHA-256 of the arguments and of the names and sizes of all jars
 * read      SHA-256  FILE                   the model, recipe, samples, statistics
 * written   SHA-256  FILE
 * </pre>
 *
 * <p>If the text that is made of the files is equal to the one that was stored after the last run,
 * the outputs are what the run would write again. Times of files do not matter.
 */
final class BuildManifest {

  /** The first line while a run is at work, and after one that failed; the rest is of before. */
  private static final String UNFINISHED = "unfinished\n";

  private BuildManifest() {}

  /**
   * {@return the text for the files as they are now}
   *
   * @param arguments the command line
   * @param classPath the jars
   * @param read files and directories that are read
   * @param written files and directories that are written
   */
  static String of(
      List<String> arguments, List<Path> classPath, List<Path> read, List<Path> written)
      throws IOException {
    Sha256 program = new Sha256();
    for (String argument : arguments) {
      program.add(StandardCharsets.UTF_8.encode(argument + "\0"));
    }
    for (Path jar : classPath) {
      String line =
          jar.getFileName() + " " + (Files.isRegularFile(jar) ? Files.size(jar) : 0) + "\0";
      program.add(StandardCharsets.UTF_8.encode(line));
    }
    StringBuilder text = new StringBuilder("program   ").append(program.hex()).append('\n');
    for (Path path : read) {
      append("read      ", path, text);
    }
    for (Path path : written) {
      append("written   ", path, text);
    }
    return text.toString();
  }

  /** {@return a stored text as that of outputs that are not up to date} */
  static String unfinished(String stored) {
    return stored.startsWith(UNFINISHED) ? stored : UNFINISHED + stored;
  }

  /** {@return whether a stored text names an output, so that it may be replaced} */
  static boolean wrote(String stored, Path output) {
    String path = output.toString();
    return stored
        .lines()
        .filter(line -> line.startsWith("written   "))
        .anyMatch(line -> line.endsWith("  " + path) || line.contains("  " + path + "/"));
  }

  private static void append(String what, Path path, StringBuilder text) throws IOException {
    if (!Files.isDirectory(path)) {
      text.append(what).append(Files.exists(path) ? Sha256.of(path) : "-");
      text.append("  ").append(path).append('\n');
      return;
    }
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted().toList()) {
        if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
          String name = path.relativize(file).toString().replace('\\', '/');
          text.append(what)
              .append(Sha256.of(file))
              .append("  ")
              .append(path)
              .append('/')
              .append(name);
          text.append('\n');
        }
      }
    }
  }
}

package dev.monoquant.maven;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the goal {@code quantize} read and wrote for one output, as a text:
 *
 * <pre>
 * program   SHA-256 of the arguments and of the names and sizes of all jars
 * read      SHA-256  FILE                   the model, recipe, samples, statistics
 * written   SHA-256  FILE
 * </pre>
 *
 * <p>If the text that is made of the files is equal to the one that was stored after the last run,
 * the output is what the run would write again. Times of files do not matter.
 */
final class BuildManifest {

  /** The first line while a run is at work, and after one that failed; the rest is of before. */
  private static final String UNFINISHED = "unfinished\n";

  private static final int BUFFER = 1 << 20;

  private BuildManifest() {}

  /**
   * {@return the lines for what makes the output, but for the files that are read}
   *
   * @param arguments the command line
   * @param classPath the jars
   */
  static String program(List<String> arguments, List<Path> classPath) throws IOException {
    MessageDigest program = sha256();
    for (String argument : arguments) {
      program.update((argument + "\0").getBytes(StandardCharsets.UTF_8));
    }
    for (Path jar : classPath) {
      String line =
          jar.getFileName() + " " + (Files.isRegularFile(jar) ? Files.size(jar) : 0) + "\0";
      program.update(line.getBytes(StandardCharsets.UTF_8));
    }
    return "program   " + hex(program) + "\n";
  }

  /** {@return the lines for files and directories that are read, as they are now} */
  static String read(List<Path> paths) throws IOException {
    return lines("read      ", paths);
  }

  /** {@return the lines for a file or directory that is written, as it is now} */
  static String written(Path path) throws IOException {
    return lines("written   ", List.of(path));
  }

  private static String lines(String what, List<Path> paths) throws IOException {
    StringBuilder text = new StringBuilder();
    for (Path path : paths) {
      append(what, path, text);
    }
    return text.toString();
  }

  /** {@return a stored text as that of an output that is not up to date} */
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
      text.append(what).append(Files.exists(path) ? hash(path) : "-");
      text.append("  ").append(path).append('\n');
      return;
    }
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted().toList()) {
        if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
          String name = path.relativize(file).toString().replace('\\', '/');
          text.append(what).append(hash(file)).append("  ").append(path).append('/').append(name);
          text.append('\n');
        }
      }
    }
  }

  private static String hash(Path file) throws IOException {
    MessageDigest digest = sha256();
    try (InputStream in = Files.newInputStream(file)) {
      byte[] buffer = new byte[BUFFER];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    }
    return hex(digest);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static String hex(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest());
  }
}

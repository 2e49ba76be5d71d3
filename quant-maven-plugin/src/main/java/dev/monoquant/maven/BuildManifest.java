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

  private static final int BUFFER = 1 << 20;

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
    MessageDigest program = sha256();
    for (String argument : arguments) {
      program.update((argument + "\0").getBytes(StandardCharsets.UTF_8));
    }
    for (Path jar : classPath) {
      String line =
          jar.getFileName() + " " + (Files.isRegularFile(jar) ? Files.size(jar) : 0) + "\0";
      program.update(line.getBytes(StandardCharsets.UTF_8));
    }
    StringBuilder text = new StringBuilder("program   ").append(hex(program)).append('\n');
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

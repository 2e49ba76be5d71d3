package dev.monoquant.maven;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.apache.maven.plugin.MojoExecutionException;

/**
 * The command line in a process of its own. PyTorch's library can be loaded by one class loader of
 * a process only, and each module of a build may have a class loader of its own for the plugin.
 *
 * @param classPath the jars of the plugin and of its dependencies, those of the user too
 * @param folder the working directory
 * @param jvmArguments options of the JVM, after those of this class
 */
record Child(List<Path> classPath, Path folder, List<String> jvmArguments) {

  private static final String MAIN = "dev.monoquant.cli.Main";

  /** The options of the launcher of the command line. */
  private static final List<String> JVM =
      List.of(
          "-XX:+UseSerialGC",
          "-Xmx512m",
          "-XX:FreqInlineSize=60",
          "--add-exports=java.base/jdk.internal.module=ALL-UNNAMED",
          "--enable-native-access=ALL-UNNAMED",
          "-Dfile.encoding=UTF-8",
          "-Dstdout.encoding=UTF-8",
          "-Dstderr.encoding=UTF-8",
          "-Dai.djl.offline=true",
          "-Dai.djl.pytorch.num_threads=1",
          "-Dmonoquant.terminal.results=" + Words.COLUMNS);

  /**
   * The end of a run.
   *
   * @param code the exit code
   * @param out the lines on standard output
   * @param err the lines on standard error
   */
  record Ended(int code, List<String> out, List<String> err) {}

  /**
   * {@return the jars that a class loader looks at, in its order}
   *
   * @param loader the class loader of the plugin
   */
  static List<Path> classPath(ClassLoader loader) throws MojoExecutionException {
    if (!(loader instanceof URLClassLoader urls)) {
      throw new MojoExecutionException(
          "the class loader of the plugin does not tell its jars: " + loader.getClass());
    }
    List<Path> paths = new ArrayList<>();
    for (URL url : urls.getURLs()) {
      try {
        paths.add(Path.of(url.toURI()));
      } catch (URISyntaxException e) {
        throw new MojoExecutionException(url + " is no file", e);
      }
    }
    return paths;
  }

  /**
   * Runs a command and waits for its end.
   *
   * @param arguments the command line
   * @param out receives each line on standard output
   * @param err receives each line on standard error, from another thread
   */
  Ended run(List<String> arguments, Consumer<String> out, Consumer<String> err)
      throws MojoExecutionException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(JVM);
    command.addAll(jvmArguments);
    command.add(MAIN);
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    // Not an argument, whose length is limited.
    builder
        .environment()
        .put(
            "CLASSPATH",
            String.join(File.pathSeparator, classPath.stream().map(Path::toString).toList()));
    builder.environment().put("OPT_OUT_TRACKING", "true");
    builder.environment().put("NO_COLOR", "true");
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new MojoExecutionException("java cannot be started: " + e.getMessage(), e);
    }
    Thread stop = new Thread(process::destroy);
    Runtime.getRuntime().addShutdownHook(stop);
    try {
      List<String> errors = Collections.synchronizedList(new ArrayList<>());
      Thread reader =
          new Thread(() -> read(process.getErrorStream(), line -> add(line, errors, err)));
      reader.start();
      List<String> results = new ArrayList<>();
      read(process.getInputStream(), line -> add(line, results, out));
      int code = process.waitFor();
      reader.join();
      return new Ended(code, List.copyOf(results), List.copyOf(errors));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MojoExecutionException("interrupted", e);
    } finally {
      process.destroy();
      remove(stop);
    }
  }

  private static void add(String line, List<String> lines, Consumer<String> also) {
    lines.add(line);
    also.accept(line);
  }

  private static void read(InputStream in, Consumer<String> lines) {
    try (BufferedReader reader =
        new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      reader.lines().forEach(lines);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void remove(Thread stop) {
    try {
      Runtime.getRuntime().removeShutdownHook(stop);
    } catch (IllegalStateException e) {
      // Maven is ending, and the hook stops the child.
    }
  }
}

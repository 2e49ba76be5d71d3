package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URISyntaxException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code quant share-classes}: makes an archive of loaded classes, which the launcher hands to
 * Java. A process of its own goes through a rehearsal and writes the archive at its end; only a
 * whole one gets its name, for Java dies of one that is cut off.
 */
@Command(
    name = "share-classes",
    description =
        "Makes an archive of the classes of this installation for this Java, so that every command"
            + " starts faster. Make it again after an update of either; one that does not fit is"
            + " ignored.",
    customSynopsis = "quant share-classes [OPTIONS]",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: quant share-classes"},
    sortOptions = false)
final class ShareClassesCommand implements Callable<Integer> {

  /** The launcher looks for this name. */
  private static final String ARCHIVE = "quant.jsa";

  /** Options of this process that the other one sets otherwise, or must not have. */
  private static final List<String> OTHERWISE =
      List.of(
          "-XX:SharedArchiveFile",
          "-XX:ArchiveClassesAtExit",
          "-Xlog",
          "-XX:StartFlightRecording",
          "-agentlib",
          "-agentpath",
          "-javaagent",
          "-Dmonoquant.");

  /** By its name, since it runs all commands, and this is one of them. */
  private static final String REHEARSAL = "dev.monoquant.cli.Rehearsal";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    Path library = library();
    Path archive = library.resolve(ARCHIVE);
    try {
      Path part = library.resolve("." + ARCHIVE + "." + ProcessHandle.current().pid());
      Path folder = Files.createTempDirectory("quant-share-classes");
      try {
        make(part, folder);
        Files.move(
            part, archive, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(part);
        delete(folder);
      }
      Failure.say(spec.commandLine().getErr(), "wrote " + archive);
      return 0;
    } catch (AccessDeniedException e) {
      throw new OutputException(
          library + " is not writable. Run share-classes as the owner of the installation.", e);
    } catch (IOException e) {
      throw new OutputException(archive + " could not be made: " + e, e);
    }
  }

  /**
   * The folder of the jars as the launcher names it: Java archives no classes from other places,
   * and tells the place of a class without links.
   */
  private static Path library() {
    Path program;
    try {
      CodeSource source = ShareClassesCommand.class.getProtectionDomain().getCodeSource();
      program = Path.of(source.getLocation().toURI());
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
        Path jar = Path.of(entry).toAbsolutePath();
        Path folder = jar.getParent();
        if (Files.isRegularFile(jar)
            && Files.isSameFile(jar, program)
            && folder != null
            && folder.endsWith("lib")) {
          return folder;
        }
      }
    } catch (URISyntaxException | IOException e) {
      throw new IllegalStateException(e);
    }
    throw new ConfigurationException(
        "share-classes is for an installation, whose jars are in lib; this program is in "
            + program);
  }

  private static void make(Path part, Path folder) throws IOException {
    // A read-only folder is told before a rehearsal of seconds, which would not fail of it.
    Files.delete(Files.createFile(part));
    Process process =
        new ProcessBuilder(command(part, folder))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("said.txt").toFile())
            .start();
    try {
      int code = process.waitFor();
      if (code != 0 || !Files.isRegularFile(part)) {
        throw new OutputException(
            "no archive of classes was made: Java ended with code "
                + code
                + ". Commands work without it; jars of plugins in lib/plugins may be the reason.");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted; no archive was made");
    } finally {
      process.destroyForcibly();
    }
  }

  private static List<String> command(Path part, Path folder) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> OTHERWISE.stream().noneMatch(option::startsWith))
        .forEach(command::add);
    command.add("-XX:ArchiveClassesAtExit=" + part);
    command.add("-Xlog:disable");
    command.add("-XX:ErrorFile=" + folder.resolve("crash.txt"));
    command.add("-XX:-CreateCoredumpOnCrash");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(REHEARSAL);
    command.add(folder.toString());
    return command;
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }
}

package dev.monoquant.core.trial;

import dev.monoquant.core.settings.Settings;
import java.io.File;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The command line of a child JVM: the Java, class path and module path of this process, the jars
 * of plugins loaded from other paths, and the system properties that libraries read.
 */
final class ChildCommand {

  /** Properties set by the JVM itself, or by the program that started it. */
  private static final List<String> OWN =
      List.of(
          "java.",
          "jdk.",
          "sun.",
          "os.",
          "user.",
          "file.separator",
          "path.separator",
          "line.separator",
          "native.encoding",
          "surefire.",
          "jacoco",
          "awt.");

  private static final List<String> KEPT =
      List.of(
          "java.io.tmpdir",
          "java.library.path",
          "java.util.logging.config.file",
          "user.home",
          "user.language",
          "user.country");

  /** The launcher sets it if the installation has an archive. */
  private static final String ARCHIVE = "monoquant.archive";

  private ChildCommand() {}

  /**
   * {@return the command}
   *
   * @param folder the folder of the job; the JVM writes its report of a native crash there
   */
  static List<String> of(Settings settings, Path folder) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xshare:auto");
    // The launcher's archive of loaded classes; Java ignores one that does not match.
    Optional.ofNullable(System.getProperty(ARCHIVE))
        .ifPresent(
            archive ->
                command.addAll(List.of("-XX:SharedArchiveFile=" + archive, "-Xlog:disable")));
    command.add("-XX:+UseSerialGC");
    // The work is in native code; the optimizing compiler costs more than it gains.
    command.add("-XX:TieredStopAtLevel=1");
    command.add("-Xmx" + (Runtime.getRuntime().maxMemory() >> 10) + "k");
    // No files in the temporary folder, and no report or core file in the current folder.
    command.add("-XX:-UsePerfData");
    command.add("-XX:ErrorFile=" + folder.resolve(ChildFolder.CRASH));
    command.add("-XX:-CreateCoredumpOnCrash");
    command.add("--enable-native-access=ALL-UNNAMED");
    for (String name : new TreeSet<>(System.getProperties().stringPropertyNames())) {
      if (KEPT.contains(name) || OWN.stream().noneMatch(name::startsWith)) {
        command.add("-D" + name + "=" + System.getProperty(name));
      }
    }
    Module module = ChildCommand.class.getModule();
    String modules = System.getProperty("jdk.module.path", "");
    command.add("-cp");
    command.add(String.join(File.pathSeparator, classPath(settings)));
    if (module.isNamed()) {
      if (!modules.isEmpty()) {
        command.add("-p");
        command.add(modules);
        command.add("--add-modules=" + resolvedModules());
      }
      command.add("-m");
      command.add(module.getName() + "/" + ChildMain.class.getName());
    } else {
      command.add(ChildMain.class.getName());
    }
    command.add(folder.toString());
    return command;
  }

  /**
   * {@return the modules of this process} The main module of the child does not require all of
   * them, and others on the path may not resolve.
   */
  private static String resolvedModules() {
    return ModuleLayer.boot().modules().stream()
        .map(Module::getName)
        .sorted()
        .collect(Collectors.joining(","));
  }

  private static Set<String> classPath(Settings settings) {
    Set<String> all = new LinkedHashSet<>();
    for (String entry : System.getProperty("java.class.path", "").split(File.pathSeparator, -1)) {
      if (!entry.isEmpty()) {
        all.add(entry);
      }
    }
    if (!ChildCommand.class.getModule().isNamed()) {
      add(ChildCommand.class, all);
    }
    settings.plugins().entries().forEach(e -> add(e.plugin().getClass(), all));
    return all;
  }

  /** Adds the location of a class, and all locations of its class loader. */
  private static void add(Class<?> type, Set<String> all) {
    if (type.getModule().isNamed()) {
      return;
    }
    CodeSource source = type.getProtectionDomain().getCodeSource();
    if (source != null) {
      add(source.getLocation(), all);
    }
    if (type.getClassLoader() instanceof URLClassLoader loader) {
      for (URL url : loader.getURLs()) {
        add(url, all);
      }
    }
  }

  private static void add(URL url, Set<String> all) {
    try {
      URI uri = url.toURI();
      if ("file".equals(uri.getScheme())) {
        String path = Path.of(uri).toString();
        boolean there =
            all.stream().anyMatch(p -> Path.of(p).toAbsolutePath().equals(Path.of(path)));
        if (!there) {
          all.add(path);
        }
      }
    } catch (URISyntaxException | IllegalArgumentException e) {
      // The class is not from a file: the child runs without it, or reports what is missing.
    }
  }
}

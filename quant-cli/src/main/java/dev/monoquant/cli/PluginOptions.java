package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.spi.Plugins;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.zip.ZipFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that every command has. */
final class PluginOptions implements AutoCloseable {

  /** The environment variable with jars, separated like the entries of a class path. */
  static final String VARIABLE = "QUANT_PLUGINS";

  private static final String SERVICES = "META-INF/services/dev.monoquant.spi.";

  @Option(
      names = "--plugin",
      paramLabel = "JAR",
      description =
          "A jar with additional schemes, layer quantizers or formats. May be repeated. Jars may"
              + " also be named in QUANT_PLUGINS, or lie in lib/plugins of the installation.")
  private List<Path> jars = new ArrayList<>();

  /**
   * {@link Failure} reads it from the command line, because a failure can occur before it is set
   * here.
   */
  @Option(names = "--verbose", description = "Show stack traces of failures.")
  @SuppressWarnings("unused")
  private boolean verbose;

  private @Nullable URLClassLoader loader;

  private @Nullable ClassLoader before;

  /** The plugins of this distribution and of the jars; call this once. */
  Plugins load() {
    return load(System.getenv().getOrDefault(VARIABLE, ""));
  }

  /** The same with a value of {@link #VARIABLE}. */
  Plugins load(String variable) {
    ClassLoader own = Objects.requireNonNull(PluginOptions.class.getClassLoader());
    List<URL> urls = new ArrayList<>();
    for (String name : variable.split(File.pathSeparator, -1)) {
      if (!name.isBlank()) {
        urls.add(url(VARIABLE, Path.of(name)));
      }
    }
    for (Path jar : jars) {
      urls.add(url("--plugin", jar));
    }
    if (urls.isEmpty()) {
      return Plugins.load(own);
    }
    loader = new URLClassLoader(urls.toArray(new URL[0]), own);
    // Formats find plugins of their own, such as architectures, through the thread.
    before = Thread.currentThread().getContextClassLoader();
    Thread.currentThread().setContextClassLoader(loader);
    return Plugins.load(own, loader);
  }

  private static URL url(String option, Path jar) {
    requirePlugins(option, jar);
    try {
      return jar.toUri().toURL();
    } catch (IOException e) {
      throw new ConfigurationException(refusal(option, jar, "not a path of a jar"), e);
    }
  }

  /** A class loader ignores a file that is not a jar; the user must get an error. */
  private static void requirePlugins(String option, Path jar) {
    if (!Files.exists(jar)) {
      throw refuse(option, jar, "no such file");
    }
    if (!Files.isRegularFile(jar)) {
      throw refuse(option, jar, "not a file");
    }
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      if (zip.stream().noneMatch(e -> e.getName().startsWith(SERVICES))) {
        throw refuse(
            option, jar, "it holds no plugin: it lacks " + SERVICES + "Scheme and its like");
      }
    } catch (IOException e) {
      throw new ConfigurationException(refusal(option, jar, "not a jar: " + e.getMessage()), e);
    }
  }

  private static ConfigurationException refuse(String option, Path jar, String why) {
    return new ConfigurationException(refusal(option, jar, why));
  }

  private static String refusal(String option, Path jar, String why) {
    return option
        + " "
        + QuantException.quote(jar.toString())
        + ": "
        + why
        + ". Give the path of a plugin's jar, for example --plugin lib/my-scheme.jar";
  }

  @Override
  public void close() {
    if (loader != null) {
      Thread.currentThread().setContextClassLoader(before);
      try {
        loader.close();
      } catch (IOException e) {
        throw new UncheckedIOException("a plugin jar could not be closed", e);
      }
    }
  }
}

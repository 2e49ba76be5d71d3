package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantException;
import dev.monoquant.core.Plugins;
import dev.monoquant.core.Progress;
import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.Compute;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that every command shares: how to work, not what to do. */
final class RunOptions implements AutoCloseable {

  @Option(
      names = "--plugin",
      paramLabel = "JAR",
      description = "A jar with further schemes, layer quantizers or formats. May be repeated.")
  private List<Path> jars = new ArrayList<>();

  @Option(
      names = "--input-format",
      paramLabel = "ID",
      description = "The format of inputs, where it cannot be told from the content.")
  private @Nullable String inputFormat;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Worker threads; as many as processors by default.")
  private @Nullable Integer threads;

  @Option(
      names = "--compute",
      paramLabel = "WHERE",
      description = "auto, jvm or torch; never changes a result. Default: auto.")
  private String compute = "auto";

  @Option(names = "--quiet", description = "No progress on standard error.")
  private boolean quiet;

  @Option(names = "--no-progress", description = "No progress on standard error.")
  private boolean noProgress;

  @Option(names = "--verbose", description = "Stack traces of failures.")
  private boolean verbose;

  private @Nullable URLClassLoader loader;

  boolean verbose() {
    return verbose;
  }

  boolean quiet() {
    return quiet;
  }

  Plugins plugins() {
    ClassLoader own = Objects.requireNonNull(RunOptions.class.getClassLoader());
    if (jars.isEmpty()) {
      return Plugins.load(own);
    }
    List<URL> urls = new ArrayList<>();
    for (Path jar : jars) {
      if (!Files.isReadable(jar)) {
        throw new ConfigurationException(
            "--plugin "
                + QuantException.quote(jar.toString())
                + ": no such file. Give the path of a jar, for example --plugin lib/my-scheme.jar");
      }
      try {
        urls.add(jar.toUri().toURL());
      } catch (IOException e) {
        throw new ConfigurationException("--plugin " + jar + " is no path of a jar", e);
      }
    }
    loader = new URLClassLoader(urls.toArray(new URL[0]), own);
    return Plugins.load(own, loader);
  }

  Quantizer quantizer(PrintWriter err) {
    Quantizer quantizer =
        Quantizer.create()
            .withPlugins(plugins())
            .withCompute(Compute.parse(compute))
            .withProgress(quiet || noProgress ? Progress.NONE : ProgressLine.on(err));
    if (threads != null) {
      quantizer = quantizer.withThreads(threads);
    }
    return inputFormat == null ? quantizer : quantizer.withInputFormat(inputFormat);
  }

  @Override
  public void close() {
    if (loader != null) {
      try {
        loader.close();
      } catch (IOException e) {
        throw new UncheckedIOException("a plugin jar could not be closed", e);
      }
    }
  }
}

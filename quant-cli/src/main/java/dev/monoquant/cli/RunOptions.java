package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.MemoryNeed;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Plugins;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options for running commands that process models; they do not affect results. */
final class RunOptions implements AutoCloseable {

  @Option(
      names = "--input-format",
      paramLabel = "ID",
      description = "The format of inputs, if it cannot be detected.")
  private @Nullable String inputFormat;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Worker threads; by default one per processor. Does not affect results.")
  private @Nullable Integer threads;

  @Option(
      names = "--compute",
      paramLabel = "WHERE",
      description = "auto, jvm, torch or vector; does not affect results. Default: auto.")
  private @Nullable String compute;

  @Option(
      names = "--max-memory",
      paramLabel = "SIZE",
      description =
          "Bound of the memory of this process, such as 256m or 2g, at least 128m, without mapped"
              + " files and without what PyTorch takes where it runs. Does not affect results. By"
              + " default the heap has at most 512m.")
  private @Nullable String maxMemory;

  @Option(
      names = "--quiet",
      description =
          "Print only failures, and results only if an option requests them, such as --json.")
  private boolean quiet;

  @Option(names = "--no-progress", description = "Show no progress on standard error.")
  private boolean noProgress;

  @Mixin private final LimitOptions limits = new LimitOptions();

  @Mixin private final PluginOptions plugins = new PluginOptions();

  private Function<String, Path> paths = PathArgument::parse;

  private Plugins found = Plugins.of();

  /**
   * Returns a quantizer with these options; call this once.
   *
   * @param talk receives the progress and problems of plugins
   */
  Quantizer quantizer(Talk talk) {
    return quantizer(talk, new RemoteOptions());
  }

  /**
   * Returns a quantizer with these options, whose inputs may be remote; call this once.
   *
   * @param talk receives the progress and problems of plugins
   * @param remote the options for remote inputs
   */
  Quantizer quantizer(Talk talk, RemoteOptions remote) {
    found = plugins.load();
    paths = remote.paths(found);
    found.problems().forEach(p -> talk.say("warning: " + p));
    Quantizer quantizer =
        limits
            .applyTo(Quantizer.create())
            .withPlugins(found)
            .withInputPaths(paths)
            .withCompute(Compute.parse(compute == null ? "auto" : compute))
            .withProgress(talk.progress())
            .withCancellation(Interrupts.cancellation());
    if (threads != null) {
      quantizer = quantizer.withThreads(threads);
    }
    if (maxMemory != null) {
      quantizer = quantizer.withMaxMemory(bound(maxMemory));
    }
    return inputFormat == null ? quantizer : quantizer.withInputFormat(inputFormat);
  }

  /**
   * The launcher has given the heap what the JVM does not need for itself; here that is checked.
   */
  private static long bound(String text) {
    long bytes = Quantity.bytes("--max-memory", text, "256m");
    long heap = bytes - MemoryNeed.OUTSIDE_HEAP;
    if (bytes >= MemoryNeed.LEAST && Runtime.getRuntime().maxMemory() > heap) {
      throw new ConfigurationException(
          "--max-memory "
              + text
              + ": this Java was started with a larger heap. Set the environment variable QUANT_OPTS"
              + " to -Xmx"
              + (heap >> 20)
              + "m");
    }
    return bytes;
  }

  /** The plugins of the quantizer that was returned. */
  Plugins plugins() {
    return found;
  }

  /** How the text of an input becomes a path, once there is a quantizer. */
  Function<String, Path> paths() {
    return paths;
  }

  /**
   * Checks the options of a command that quantizes and decodes nothing.
   *
   * @throws ConfigurationException if an option for quantizing or decoding is set
   */
  void requireNoWork() {
    if (threads != null || compute != null) {
      throw new ConfigurationException(
          (threads != null ? "--threads" : "--compute")
              + ": models are run by PyTorch on one thread, whatever is given. Leave it out");
    }
  }

  /**
   * Checks the options of a command that does what a plan says.
   *
   * @throws ConfigurationException if an option is set that the plan holds
   */
  void requirePlanned() {
    if (inputFormat != null) {
      throw new ConfigurationException(
          "--input-format: the plan says how its input is read. Leave it out, or give it to quant"
              + " plan");
    }
  }

  /**
   * Messages besides the results.
   *
   * @param err standard error
   * @param work what the command does, as a word for its progress
   */
  Talk talk(PrintWriter err, String work) {
    return new Talk(err, work, !quiet, !quiet && !noProgress);
  }

  @Override
  public void close() {
    plugins.close();
  }
}

package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Plugins;
import java.io.PrintWriter;
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
      names = "--quiet",
      description =
          "Print only failures, and results only if an option requests them, such as --json.")
  private boolean quiet;

  @Option(names = "--no-progress", description = "Show no progress on standard error.")
  private boolean noProgress;

  @Mixin private final PluginOptions plugins = new PluginOptions();

  /**
   * Returns a quantizer with these options; call this once.
   *
   * @param talk receives the progress and problems of plugins
   */
  Quantizer quantizer(Talk talk) {
    Plugins found = plugins.load();
    found.problems().forEach(p -> talk.say("warning: " + p));
    Quantizer quantizer =
        Quantizer.create()
            .withPlugins(found)
            .withCompute(Compute.parse(compute == null ? "auto" : compute))
            .withProgress(talk.progress())
            .withCancellation(Interrupts.cancellation());
    if (threads != null) {
      quantizer = quantizer.withThreads(threads);
    }
    return inputFormat == null ? quantizer : quantizer.withInputFormat(inputFormat);
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

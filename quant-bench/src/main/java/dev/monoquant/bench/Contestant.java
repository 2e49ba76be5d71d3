package dev.monoquant.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * A command that makes an output from an input.
 *
 * @param name its name in the report
 * @param command program and arguments; {@code {in}} and {@code {out}} stand for the files
 */
record Contestant(String name, List<String> command) {

  /** The interval between samples of the memory of the process: 5 ms costs about 1 % of a core. */
  private static final long SAMPLE_MILLIS = 5;

  /**
   * One run.
   *
   * @param wallSeconds from start to exit
   * @param cpuSeconds user and system time of the process and its children; NaN if not available
   * @param peakAnonBytes largest sampled anonymous memory; -1 if not available
   * @param peakRssBytes largest sampled resident memory; -1 if not available
   * @param outBytes bytes of the output, all files of a directory
   */
  record Run(
      double wallSeconds,
      double cpuSeconds,
      long peakAnonBytes,
      long peakRssBytes,
      long outBytes) {}

  Contestant {
    command = List.copyOf(command);
  }

  /**
   * Runs the command once.
   *
   * @param in the input
   * @param out the path of the output; must not exist
   * @param log receives the printed text of the command
   * @return the measurements
   * @throws IOException if it cannot be started, fails or leaves no output
   * @throws InterruptedException if interrupted; the process is ended
   */
  Run run(Path in, Path out, Path log) throws IOException, InterruptedException {
    List<String> words =
        command.stream()
            .map(w -> w.replace("{in}", in.toString()).replace("{out}", out.toString()))
            .toList();
    boolean measured = ProcessTree.available();
    OptionalLong cpuBefore = ProcessTree.childrenCpuMillis();
    long start = System.nanoTime();
    Process process =
        new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    ProcessTree.Memory peak = ProcessTree.Memory.NONE;
    try {
      do {
        if (measured) {
          peak = peak.max(ProcessTree.memory(process.toHandle()));
        }
      } while (!process.waitFor(SAMPLE_MILLIS, TimeUnit.MILLISECONDS));
    } finally {
      process.destroy();
    }
    double wall = (System.nanoTime() - start) / 1e9;
    OptionalLong cpuAfter = ProcessTree.childrenCpuMillis();
    if (process.exitValue() != 0 || !Files.exists(out)) {
      throw new IOException(
          String.format(
              "%s ended with %d and %s output: %s%n%s",
              name,
              process.exitValue(),
              Files.exists(out) ? "an" : "no",
              String.join(" ", words),
              Files.readString(log)));
    }
    return new Run(
        wall,
        cpuBefore.isPresent() && cpuAfter.isPresent()
            ? (cpuAfter.getAsLong() - cpuBefore.getAsLong()) / 1e3
            : Double.NaN,
        measured ? peak.anonymous() : -1,
        measured ? peak.total() : -1,
        FileTrees.bytes(out));
  }
}

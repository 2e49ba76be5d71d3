package dev.monoquant.cli;

import dev.monoquant.OutputException;
import dev.monoquant.Problem;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.recipe.Recipe;
import dev.monoquant.core.report.Reports;
import dev.monoquant.core.report.RunReport;
import dev.monoquant.core.report.RunReport.ListedFile;
import dev.monoquant.core.report.RunReport.Target;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.spi.Hashing;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Collects what a report tells of a run, from its start on.
 *
 * @param input the model
 * @param outputs what is made of it
 * @param hashing the hashes to compute
 * @param start the time at the start, of {@link System#nanoTime}
 */
record RunRecord(Path input, List<Output> outputs, Hashing hashing, long start) {

  /** {@return the name of the program in reports} */
  static String tool() {
    return "monoquant " + Quantizer.version();
  }

  Duration elapsed() {
    return Duration.ofNanos(System.nanoTime() - start);
  }

  /**
   * {@return the report of a run with results}
   *
   * @param results the results
   * @param written whether the outputs are in place
   */
  RunReport of(Reports results, boolean written) {
    // The time is that of the run, without the hashes of the report.
    Duration elapsed = elapsed();
    return report(
        Optional.of(results),
        List.of(),
        files(input, hashing == Hashing.ALL, false),
        written,
        elapsed);
  }

  /**
   * {@return the report of a run without results}
   *
   * @param problems the reasons
   */
  RunReport of(List<Problem> problems) {
    return report(Optional.empty(), problems, inputOrNone(), false, elapsed());
  }

  /** After a failure, an input that cannot be read is no second one that hides its reason. */
  private List<ListedFile> inputOrNone() {
    try {
      return files(input, hashing == Hashing.ALL, false);
    } catch (OutputException e) {
      return List.of();
    }
  }

  private RunReport report(
      Optional<Reports> results,
      List<Problem> problems,
      List<ListedFile> inputs,
      boolean written,
      Duration elapsed) {
    List<Target> targets = new ArrayList<>();
    for (Output output : outputs) {
      targets.add(
          new Target(
              output.target(),
              Recipe.toTree(output.config()),
              written ? files(output.target(), hashing != Hashing.NONE, true) : List.of()));
    }
    return new RunReport(
        tool(), input.toString(), inputs, targets, results, problems, Optional.of(elapsed));
  }

  /**
   * One file, or the regular files in a directory. All of an output was written by the run, also in
   * folders of it; folders of an input may hold anything.
   */
  private static List<ListedFile> files(Path path, boolean hash, boolean folders) {
    List<ListedFile> files = new ArrayList<>();
    try {
      if (Files.isRegularFile(path)) {
        files.add(file(path, hash));
      } else if (Files.isDirectory(path)) {
        add(path, hash, folders, files);
      }
    } catch (IOException | UncheckedIOException e) {
      throw new OutputException("the files of " + path + " cannot be listed for a report: " + e, e);
    }
    return files;
  }

  private static void add(Path directory, boolean hash, boolean folders, List<ListedFile> files)
      throws IOException {
    List<Path> sorted;
    try (Stream<Path> entries = Files.list(directory)) {
      sorted = entries.sorted().toList();
    }
    for (Path entry : sorted) {
      if (Files.isRegularFile(entry, LinkOption.NOFOLLOW_LINKS)) {
        files.add(file(entry, hash));
      } else if (folders && Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
        add(entry, hash, true, files);
      }
    }
  }

  private static ListedFile file(Path file, boolean hash) throws IOException {
    return new ListedFile(
        file.toString(), Files.size(file), hash ? Optional.of(Sha256.of(file)) : Optional.empty());
  }
}

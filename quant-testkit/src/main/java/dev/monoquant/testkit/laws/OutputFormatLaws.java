package dev.monoquant.testkit.laws;

import dev.monoquant.OutputException;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OutputFormat;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.testkit.laws.OutputCase.Write;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/**
 * Laws for an {@link OutputFormat} and its writers on a working disk. {@link ReadBackLaws} check
 * that the output can be read.
 *
 * <p>All files are written to temporary folders, which are deleted afterwards.
 */
public final class OutputFormatLaws {

  private static final int THREADS = 4;

  private OutputFormatLaws() {}

  /** {@return every law that holds for all formats, the simplest first} */
  public static List<Law<OutputCase>> all() {
    return List.of(
        new Law<>("idIsValid", c -> idIsValid(c.format())),
        new Law<>("optionsAreDescribed", c -> optionsAreDescribed(c.format())),
        new Law<>("mixesAreFound", OutputFormatLaws::mixesAreFound),
        new Law<>("unsupportedRepeats", OutputFormatLaws::unsupportedRepeats),
        new Law<>("commitNamesItsFiles", OutputFormatLaws::commitNamesItsFiles),
        new Law<>("predictsItsSize", OutputFormatLaws::predictsItsSize),
        new Law<>("leavesNoTraceWithoutCommit", OutputFormatLaws::leavesNoTraceWithoutCommit),
        new Law<>("existingTargetsStay", OutputFormatLaws::existingTargetsStay),
        new Law<>("replacesOnlyOnCommit", OutputFormatLaws::replacesOnlyOnCommit),
        new Law<>("orderDoesNotMatter", OutputFormatLaws::orderDoesNotMatter),
        new Law<>("threadsDoNotMatter", OutputFormatLaws::threadsDoNotMatter));
  }

  /**
   * The id is valid and the same at each call.
   *
   * @param format the subject
   */
  public static void idIsValid(OutputFormat format) {
    Ids.require("idIsValid", format, format::id);
  }

  /**
   * The declared options have unique names and are the same at each call.
   *
   * @param format the subject
   */
  public static void optionsAreDescribed(OutputFormat format) {
    Described.options("optionsAreDescribed", format, format::options);
  }

  /**
   * The declared mixes have different names in upper case, and a session of a run with a
   * calibration finds each.
   *
   * @param c a format and a model
   */
  public static void mixesAreFound(OutputCase c) {
    List<String> names = c.format().mixes();
    if (!names.equals(c.format().mixes()) || names.size() != new HashSet<>(names).size()) {
      throw new LawViolation("mixesAreFound", c, names + " changes, or has a name twice");
    }
    Folders.temporary(
        folder ->
            c.open(
                (open, contents) -> {
                  for (String name : names) {
                    if (!name.equals(name.toUpperCase(Locale.ROOT))
                        || open.mix(name, true).isEmpty()) {
                      throw new LawViolation(
                          "mixesAreFound", c, name + " is not found, or not in upper case");
                    }
                  }
                }));
  }

  /**
   * Whether a weight is supported, and the reason if not, is the same at each call and in each
   * session. The weights of the case are supported.
   *
   * @param c a format and a model
   */
  public static void unsupportedRepeats(OutputCase c) {
    for (int session = 0; session < 2; session++) {
      Folders.temporary(
          folder ->
              c.open(
                  (open, contents) -> {
                    for (EncodedWeight weight : c.weights()) {
                      requireSupported(c, open, weight);
                      requireSupported(c, open, weight);
                    }
                  }));
    }
  }

  private static void requireSupported(OutputCase c, OutputSession open, EncodedWeight weight) {
    Optional<String> reason = open.unsupported(weight);
    if (reason.isPresent()) {
      throw new LawViolation("unsupportedRepeats", c, weight.name() + ": " + reason.get());
    }
  }

  /**
   * The commit returns exactly the files that exist afterwards.
   *
   * @param c a format and a model
   */
  public static void commitNamesItsFiles(OutputCase c) {
    Folders.temporary(
        folder -> {
          Set<Path> named = new HashSet<>();
          c.writeAll(folder, false, c.writes(2))
              .forEach(file -> named.add(file.toAbsolutePath().normalize()));
          Set<Path> found = new HashSet<>();
          Folders.files(folder).forEach(file -> found.add(file.toAbsolutePath().normalize()));
          if (!named.equals(found)) {
            throw new LawViolation(
                "commitNamesItsFiles",
                c,
                "commit returned " + named + ", and the folder contains " + found);
          }
        });
  }

  /**
   * The size of the tensor files equals the size predicted before any value was read. Tensor files
   * are all files except those that end in {@code .json}.
   *
   * @param c a format and a model
   */
  public static void predictsItsSize(OutputCase c) {
    Folders.temporary(
        folder -> {
          long[] predicted = new long[1];
          c.open((session, contents) -> predicted[0] = session.layout(contents).bytes());
          Folders.requireEmpty("predictsItsSize", c, folder);
          long sum = 0;
          for (Path file : c.writeAll(folder, false, c.writes(2))) {
            sum += file.toString().endsWith(".json") ? 0 : Files.size(file);
          }
          if (sum != predicted[0]) {
            throw new LawViolation(
                "predictsItsSize",
                c,
                "the files have %d bytes, and bytes() is %d".formatted(sum, predicted[0]));
          }
        });
  }

  /**
   * A writer that is closed without a commit leaves no files, however much was written. Closing it
   * again, or after the commit, has no effect.
   *
   * @param c a format and a model
   */
  public static void leavesNoTraceWithoutCommit(OutputCase c) {
    String law = "leavesNoTraceWithoutCommit";
    List<Write> writes = c.writes(2);
    for (int count : new int[] {0, writes.size() / 2, writes.size()}) {
      Folders.temporary(
          folder -> {
            abandon(c, folder, false, writes.subList(0, count));
            Folders.requireEmpty(law, c, folder);
          });
    }
    Folders.temporary(
        folder -> {
          List<Path> files = c.writeAll(folder, false, writes);
          for (Path file : files) {
            if (!Files.exists(file)) {
              throw new LawViolation(law, c, file + " is missing after the writer was closed");
            }
          }
        });
  }

  private static void abandon(OutputCase c, Path folder, boolean overwrite, List<Write> writes)
      throws IOException {
    c.open(
        (session, contents) -> {
          OutputWriter sink = session.layout(contents).open(c.in(folder, overwrite));
          try {
            for (Write write : writes) {
              write.to(sink);
            }
          } finally {
            sink.close();
            sink.close();
          }
        });
  }

  /**
   * If the output exists and may not be overwritten, it is refused with an {@link OutputException}
   * and does not change.
   *
   * @param c a format and a model
   */
  public static void existingTargetsStay(OutputCase c) {
    String law = "existingTargetsStay";
    Folders.temporary(
        folder -> {
          c.writeAll(folder, false, c.writes(2));
          Map<String, String> before = contents(folder);
          try {
            abandon(c, folder, false, List.of());
            throw new LawViolation(law, c, "it opens an existing target");
          } catch (OutputException e) {
            if (!String.valueOf(e.getMessage()).contains(c.targetName())) {
              throw new LawViolation(law, c, "the message does not name the target", e);
            }
          }
          DetectorLaws.requireSame(law, c, before, contents(folder));
        });
  }

  /**
   * An output that may be overwritten does not change until the commit replaces it.
   *
   * @param c a format and a model
   */
  public static void replacesOnlyOnCommit(OutputCase c) {
    String law = "replacesOnlyOnCommit";
    OutputCase less = new OutputCase(c.format(), c.targetName(), List.of());
    Folders.temporary(
        folder -> {
          less.writeAll(folder, false, less.writes(2));
          Map<String, String> before = contents(folder);
          abandon(c, folder, true, c.writes(2));
          DetectorLaws.requireSame(law, c, before, contents(folder));
          c.writeAll(folder, true, c.writes(2));
          if (!contents(folder).equals(written(c, c.writes(2)))) {
            throw new LawViolation(law, c, "commit did not replace the target");
          }
        });
  }

  /**
   * Tiles and pieces of any size, written in any order, produce the same bytes.
   *
   * @param c a format and a model
   */
  public static void orderDoesNotMatter(OutputCase c) {
    Map<String, String> expected = written(c, c.writes(1 << 20));
    for (int size : new int[] {1, 3}) {
      List<Write> writes = new ArrayList<>(c.writes(size));
      requireEqual("orderDoesNotMatter", c, expected, written(c, writes), "in model order");
      Collections.reverse(writes);
      requireEqual("orderDoesNotMatter", c, expected, written(c, writes), "from the end");
      Collections.shuffle(writes, new Random(size));
      requireEqual("orderDoesNotMatter", c, expected, written(c, writes), "shuffled");
    }
  }

  /**
   * Several threads that write concurrently produce the same bytes. A data race may not appear in
   * every run.
   *
   * @param c a format and a model
   */
  public static void threadsDoNotMatter(OutputCase c) {
    String law = "threadsDoNotMatter";
    Map<String, String> expected = written(c, c.writes(1 << 20));
    List<Write> writes = c.writes(1);
    Write together =
        sink -> {
          List<Callable<Void>> tasks = new ArrayList<>();
          for (int thread = 0; thread < THREADS; thread++) {
            int first = thread;
            tasks.add(
                () -> {
                  for (int i = first; i < writes.size(); i += THREADS) {
                    writes.get(i).to(sink);
                  }
                  return null;
                });
          }
          TileIndependenceLaws.runAll(law, c, tasks);
        };
    requireEqual(law, c, expected, written(c, List.of(together)), "on several threads");
  }

  static Map<String, String> written(OutputCase c, List<Write> writes) {
    Map<String, String> contents = new TreeMap<>();
    Folders.temporary(
        folder -> {
          c.writeAll(folder, false, writes);
          contents.putAll(contents(folder));
        });
    return contents;
  }

  /**
   * The contents of each file, without the times: temporary files may have been created and
   * deleted.
   */
  static Map<String, String> contents(Path folder) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    for (Path file : Folders.files(folder)) {
      byte[] bytes = Files.readAllBytes(file);
      contents.put(
          folder.relativize(file).toString(),
          bytes.length + " bytes, hash " + Arrays.hashCode(bytes));
    }
    return contents;
  }

  private static void requireEqual(
      String law, OutputCase c, Map<String, String> expected, Map<String, String> got, String how) {
    if (!got.equals(expected)) {
      throw new LawViolation(law, c, how + ": " + got + " instead of " + expected);
    }
  }
}

package dev.monoquant.testkit.laws;

import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.OutputSession;
import dev.monoquant.spi.OutputWriter;
import dev.monoquant.spi.Provenance;
import dev.monoquant.spi.WriteOptions;
import dev.monoquant.testkit.data.EncodedSamples;
import dev.monoquant.testkit.laws.OutputCase.Write;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Laws for large outputs, and for outputs of a process that is killed. A kill is simulated: the
 * folder is copied while an output is written, and the next run works in the copy, where nothing is
 * open or locked.
 */
public final class TransactionLaws {

  /** The maximum number of bytes that a writer may hold after it has written many times as many. */
  private static final long MOST_HELD = 24L << 20;

  private static final TensorInfo LARGE =
      new TensorInfo("large.weight", ElementType.FLOAT32, TensorShape.of(16 << 10, 1 << 10));

  /** Rows of 4 KiB of codes, written one by one. */
  private static final int WIDE_ROWS = 8 << 10;

  private static final int WIDE_COLUMNS = 4 << 10;

  /** The maximum number of waits for files that are finished in the background. */
  private static final int MOST_WAITS = 200;

  private TransactionLaws() {}

  /** {@return every law that holds for all formats} */
  public static List<Law<OutputCase>> all() {
    return List.of(
        new Law<>("aKilledRunLeavesNoModel", TransactionLaws::aKilledRunLeavesNoModel),
        new Law<>("streams", TransactionLaws::streams));
  }

  /**
   * If a run is killed before its commit, at any point, the target does not change, and the next
   * run makes the same output as in an empty folder, with no additional file.
   *
   * @param c a format and a model
   */
  public static void aKilledRunLeavesNoModel(OutputCase c) {
    String law = "aKilledRunLeavesNoModel";
    List<Write> writes = c.writes(2);
    Map<String, String> expected = OutputFormatLaws.written(c, writes);
    for (int count : new int[] {0, writes.size() / 2, writes.size()}) {
      Folders.temporary(
          folder -> {
            Path killed = Files.createDirectory(folder.resolve("killed"));
            Path before = Files.createDirectory(folder.resolve("before"));
            c.open(
                (session, contents) -> {
                  try (OutputWriter writer = session.layout(contents).open(c.in(before, false))) {
                    write(writes.subList(0, count), writer);
                    if (count == writes.size()) {
                      writer.finish();
                    }
                    Folders.copyContents(before, killed);
                  }
                });
            if (Files.exists(killed.resolve(c.targetName()))) {
              throw new LawViolation(
                  law, c, "after " + count + " of " + writes.size() + " writes the target exists");
            }
            c.writeAll(killed, false, writes);
            Map<String, String> got = OutputFormatLaws.contents(killed);
            if (!got.equals(expected)) {
              throw new LawViolation(
                  law, c, "the next run wrote " + got + " instead of " + expected);
            }
          });
    }
  }

  private static void write(List<Write> writes, OutputWriter writer) throws IOException {
    for (Write write : writes) {
      write.to(writer);
    }
  }

  /**
   * A model may be larger than the memory: of {@code 96 MiB} that are written, the writer holds at
   * most {@code 24 MiB} in memory.
   *
   * @param c a format and a model; only the format is used
   */
  public static void streams(OutputCase c) {
    EncodedWeight wide = EncodedSamples.int8("wide", ElementType.FLOAT32, WIDE_ROWS, WIDE_COLUMNS);
    Folders.temporary(
        folder -> {
          long before = held();
          try (ModelSource source = new Zeros(List.of(LARGE, wide.matrix().tensor()));
              OutputSession session = c.format().open(source)) {
            List<EncodedWeight> weights =
                session.unsupported(wide).isEmpty() ? List.of(wide) : List.of();
            OutputContents contents =
                new OutputContents(List.of(), weights, List.of(LARGE), Optional.empty());
            try (OutputWriter writer = session.layout(contents).open(c.in(folder, false))) {
              weights.forEach(w -> writeWide(w, writer));
              ByteBuffer piece = ByteBuffer.allocate(1 << 20);
              for (long at = 0; at < LARGE.bytes(); at += piece.capacity()) {
                writer.writeKept(LARGE, at, piece.clear());
              }
              long more = held() - before;
              if (more > MOST_HELD) {
                throw new LawViolation(
                    "streams", c, more + " bytes are held in memory; at most " + MOST_HELD);
              }
            }
          }
        });
  }

  private static void writeWide(EncodedWeight weight, OutputWriter writer) {
    try {
      writer.writeWhole(weight, Map.of());
      for (int row = 0; row < WIDE_ROWS; row++) {
        Map<String, byte[]> parts = new TreeMap<>();
        for (Part part : weight.encoding().parts()) {
          parts.put(part.name(), new byte[Math.toIntExact(part.tileBytes(1, WIDE_COLUMNS))]);
        }
        writer.writeTile(weight, new EncodedTile(row, 1, parts));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The minimum of several measurements, because a collection may not free all garbage at once. */
  private static long held() {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 4; i++) {
      System.gc();
      Runtime runtime = Runtime.getRuntime();
      long direct =
          ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
              .filter(pool -> pool.getName().equals("direct"))
              .mapToLong(BufferPoolMXBean::getMemoryUsed)
              .sum();
      least = Math.min(least, runtime.totalMemory() - runtime.freeMemory() + direct);
    }
    return least;
  }

  /** Tensors full of zeros, which need no memory. */
  private static final class Zeros implements ModelSource {
    private final ModelInfo info;

    Zeros(List<TensorInfo> tensors) {
      this.info = ModelInfo.of("zeros", tensors);
    }

    @Override
    public ModelInfo info() {
      return info;
    }

    @Override
    public ByteBuffer read(TensorInfo tensor, long offset, int length) {
      return ByteBuffer.allocate(length).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void close() {}
  }

  /**
   * Resuming is refused with a {@link ConfigurationException} that names the target, and nothing is
   * written. For formats whose outputs cannot be resumed.
   *
   * @param c a format and a model
   */
  public static void refusesToResume(OutputCase c) {
    String law = "refusesToResume";
    Folders.temporary(
        folder ->
            with(
                c,
                c.kept(),
                (session, contents) -> {
                  try {
                    session.layout(contents).open(resuming(c, folder)).close();
                    throw new LawViolation(
                        law, c, "it opens with resume, which it does not support");
                  } catch (ConfigurationException e) {
                    if (!String.valueOf(e.getMessage()).contains(c.targetName())) {
                      throw new LawViolation(law, c, "the message does not name the target", e);
                    }
                  }
                  Folders.requireEmpty(law, c, folder);
                }));
  }

  private static WriteOptions resuming(OutputCase c, Path folder) {
    return new WriteOptions(folder.resolve(c.targetName()), false, false, true);
  }

  private interface Use {
    void of(OutputSession session, OutputContents contents) throws IOException;
  }

  /** Opens the model as one read from a file, because a live model differs in each process. */
  private static void with(OutputCase c, List<TensorInfo> kept, Use use) {
    Folders.temporary(
        inputs -> {
          Path input = Files.write(inputs.resolve("input"), new byte[] {1, 2, 3});
          c.open(List.of(input), kept, use::of);
        });
  }

  /**
   * A killed run can be resumed: finished tensors are reported with their remarks and not written
   * again, and the output equals that of an uninterrupted run. A run with other contents is refused
   * with an {@link OutputException} that names the target, and the original run can still be
   * resumed. For formats whose outputs can be resumed. The tensors come from two files, {@code ""}
   * and {@code second}, and from several layers; all tensors except one are complete.
   *
   * @param c a format and a model
   */
  public static void resumes(OutputCase c) {
    with(
        c,
        OutputCase.keptInTwoShards(),
        (session, contents) ->
            Folders.temporary(
                folder -> {
                  Path whole = Files.createDirectory(folder.resolve("whole"));
                  Path before = Files.createDirectory(folder.resolve("before"));
                  List<Write> writes = c.writes(2, contents.kept(), name -> true);
                  try (OutputWriter writer = session.layout(contents).open(c.in(whole, false))) {
                    write(writes, writer);
                    writer.commit();
                  }
                  Map<String, String> expected = OutputFormatLaws.contents(whole);
                  try (OutputWriter writer = session.layout(contents).open(c.in(before, false))) {
                    for (EncodedWeight weight : c.weights()) {
                      writer.remark(weight.name(), "about " + weight.name());
                    }
                    write(writes.subList(1, writes.size()), writer);
                    goOn(c, session, contents, before, folder.resolve("after"), expected);
                  }
                }));
  }

  private static void goOn(
      OutputCase c,
      OutputSession session,
      OutputContents contents,
      Path before,
      Path after,
      Map<String, String> expected)
      throws IOException {
    String law = "resumes";
    for (int wait = 0; wait < MOST_WAITS; wait++) {
      Path copy = Files.createDirectory(after.resolveSibling("after-" + wait));
      Folders.copyContents(before, copy);
      requireRefused(c, session, contents, copy);
      Set<String> finished = new TreeSet<>();
      try (OutputWriter writer = session.layout(contents).open(resuming(c, copy))) {
        for (TensorInfo tensor : contents.kept()) {
          writer.finished(tensor.name()).ifPresent(r -> finished.add(tensor.name()));
        }
        for (EncodedWeight weight : contents.weights()) {
          Optional<String> remark = writer.finished(weight.name());
          remark.ifPresent(r -> finished.add(weight.name()));
          if (remark.isPresent() && !remark.get().equals("about " + weight.name())) {
            throw new LawViolation(law, c, "of " + weight.name() + " is told: " + remark.get());
          }
        }
        if (!finished.isEmpty()) {
          write(c.writes(2, contents.kept(), name -> !finished.contains(name)), writer);
          writer.commit();
        }
      }
      if (!finished.isEmpty()) {
        Map<String, String> got = OutputFormatLaws.contents(copy);
        if (!got.equals(expected)) {
          throw new LawViolation(law, c, "it was resumed to " + got + " instead of " + expected);
        }
        return;
      }
      pause();
    }
    throw new LawViolation(law, c, "nothing counts as finished, with one tensor missing");
  }

  private static void requireRefused(
      OutputCase c, OutputSession session, OutputContents contents, Path copy) throws IOException {
    OutputContents other =
        new OutputContents(
            contents.layers(),
            contents.weights(),
            contents.kept(),
            Optional.of(Provenance.of("another", "1")));
    try {
      session.layout(other).open(resuming(c, copy)).close();
      throw new LawViolation("resumes", c, "a run of another tool is gone on with");
    } catch (OutputException e) {
      if (!String.valueOf(e.getMessage()).contains(c.targetName())) {
        throw new LawViolation("resumes", c, "the message does not name the target", e);
      }
    }
  }

  private static void pause() {
    try {
      Thread.sleep(50);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}

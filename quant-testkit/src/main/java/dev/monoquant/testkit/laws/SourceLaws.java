package dev.monoquant.testkit.laws;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.TensorSource;
import dev.monoquant.testkit.Repeatable;
import dev.monoquant.testkit.fakes.LiveArrays;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;

/**
 * What an {@link InputFormatDetector} and the {@link TensorSource} that it opens must do with a
 * valid model; {@link DamageLaws} are about the same model damaged.
 *
 * <p>The model is read many times and its tensors are held in memory: take a small one.
 */
public final class SourceLaws {

  private static final int THREADS = 4;
  private static final int ROUNDS = 20;

  private SourceLaws() {}

  /**
   * A detector and a model of its format.
   *
   * @param detector the subject
   * @param model a valid file, a directory of files, or a live object
   */
  public record Case(InputFormatDetector detector, ModelInput model) implements Repeatable {

    TensorSource open() throws IOException {
      return detector.open(model, ReadLimits.DEFAULT);
    }

    TensorSource open(Path other) throws IOException {
      return detector.open(ModelInput.of(other), ReadLimits.DEFAULT);
    }

    /** Where the model is; empty for a live object. */
    Optional<Path> path() {
      return model instanceof ModelInput.OfPath of ? Optional.of(of.path()) : Optional.empty();
    }

    /** {@return the expression; the model is called {@code sample(folder)} there} */
    @Override
    public String expression() {
      return "new SourceLaws.Case(%s, sample(folder))".formatted(Repeatable.creation(detector));
    }

    @Override
    public String toString() {
      return "%s (%s) on %s"
          .formatted(detector.id(), detector.getClass().getName(), model.describe());
    }
  }

  /** {@return every law about models of the format, whole and damaged, the simplest first} */
  public static List<Law<Case>> all() {
    return List.of(
        new Law<>("opensItsOwn", SourceLaws::opensItsOwn),
        new Law<>("tensorNamesAreUnique", SourceLaws::tensorNamesAreUnique),
        new Law<>("readsExactlyWhatIsAsked", SourceLaws::readsExactlyWhatIsAsked),
        new Law<>("openingRepeats", SourceLaws::openingRepeats),
        new Law<>("piecesMakeTheWhole", SourceLaws::piecesMakeTheWhole),
        new Law<>("closeIsIdempotent", SourceLaws::closeIsIdempotent),
        new Law<>("threadsDoNotMatter", SourceLaws::threadsDoNotMatter),
        new Law<>("readingTouchesNothing", SourceLaws::readingTouchesNothing),
        new Law<>("probeReadsTheBeginning", DamageLaws::probeReadsTheBeginning),
        new Law<>("damageIsToldProperly", DamageLaws::damageIsToldProperly),
        new Law<>("truncationIsNoticed", DamageLaws::truncationIsNoticed));
  }

  /**
   * The model is recognised, opens, and has tensors.
   *
   * @param c a valid model
   */
  public static void opensItsOwn(Case c) {
    String law = "opensItsOwn";
    if (c.detector().probe(c.model()) == Match.NONE) {
      throw new LawViolation(law, c, "probe says none");
    }
    try (TensorSource source = c.open()) {
      if (source.tensors().isEmpty() && source.quantized().isEmpty()) {
        throw new LawViolation(law, c, "there are no tensors");
      }
    } catch (IOException | RuntimeException e) {
      throw new LawViolation(law, c, e.toString(), e);
    }
  }

  /**
   * No two tensors have one name, quantized weights included.
   *
   * @param c a valid model
   */
  public static void tensorNamesAreUnique(Case c) {
    Set<String> names = new HashSet<>();
    Sources.with(
        c,
        source -> {
          source.tensors().forEach(tensor -> requireNew(c, names, tensor.name()));
          source.quantized().forEach(weight -> requireNew(c, names, weight.name()));
        });
  }

  private static void requireNew(Case c, Set<String> names, String name) {
    if (!names.add(name)) {
      throw new LawViolation("tensorNamesAreUnique", c, name + " is there twice");
    }
  }

  /**
   * Every read gives a read-only, little-endian buffer with as many bytes left as were asked for:
   * all, none, the first, the last, and some in between.
   *
   * @param c a valid model
   */
  public static void readsExactlyWhatIsAsked(Case c) {
    Sources.with(
        c,
        source -> {
          for (TensorInfo tensor : source.tensors()) {
            int size = Math.toIntExact(tensor.bytes());
            int third = size / 3;
            int[][] asked = {{0, size}, {0, 0}, {size, 0}, {0, Math.min(1, size)}, {third, third}};
            for (int[] a : asked) {
              requireExact(c, tensor, a, source.read(tensor, a[0], a[1]));
            }
          }
        });
  }

  private static void requireExact(Case c, TensorInfo tensor, int[] asked, ByteBuffer got) {
    if (got.remaining() != asked[1]
        || !got.isReadOnly()
        || got.order() != ByteOrder.LITTLE_ENDIAN) {
      throw new LawViolation(
          "readsExactlyWhatIsAsked",
          c,
          "%d bytes of %s from %d on came as %d bytes, %s, %s"
              .formatted(
                  asked[1],
                  tensor.name(),
                  asked[0],
                  got.remaining(),
                  got.isReadOnly() ? "read-only" : "writable",
                  got.order()));
    }
  }

  /**
   * Opened twice at once, the model has the same tensors with the same bytes and metadata.
   *
   * @param c a valid model
   */
  public static void openingRepeats(Case c) {
    Sources.with(
        c,
        first ->
            Sources.with(
                c,
                again -> {
                  if (!again.tensors().equals(first.tensors())
                      || !again.metadata().equals(first.metadata())
                      || !Sources.same(Sources.content(first), Sources.content(again))) {
                    throw new LawViolation(
                        "openingRepeats", c, "opened again, it is another model");
                  }
                }));
  }

  /**
   * Pieces of any size, put together, are what one read gives, in any order of reading.
   *
   * @param c a valid model
   */
  public static void piecesMakeTheWhole(Case c) {
    Sources.with(
        c,
        source -> {
          for (TensorInfo tensor : source.tensors()) {
            byte[] whole = Sources.bytes(source, tensor, 0, Math.toIntExact(tensor.bytes()));
            for (int step : new int[] {whole.length / 40 + 1, whole.length / 3 + 1}) {
              // From the last piece to the first: no source may count on being read in order.
              for (int from = (whole.length - 1) / step * step; from >= 0; from -= step) {
                int length = Math.min(step, whole.length - from);
                byte[] expected = Arrays.copyOfRange(whole, from, from + length);
                if (!Arrays.equals(expected, Sources.bytes(source, tensor, from, length))) {
                  throw new LawViolation(
                      "piecesMakeTheWhole",
                      c,
                      "%d bytes of %s from %d on differ".formatted(length, tensor.name(), from));
                }
              }
            }
          }
        });
  }

  /**
   * A source may be closed again, and the model can then be opened again.
   *
   * @param c a valid model
   */
  public static void closeIsIdempotent(Case c) {
    Sources.with(
        c,
        source -> {
          source.close();
          try {
            source.close();
          } catch (RuntimeException e) {
            throw new LawViolation("closeIsIdempotent", c, "closed again: " + e, e);
          }
        });
    Sources.with(c, TensorSource::tensors);
  }

  /**
   * Opening, reading and closing change no file and make none; live objects stay what they were.
   *
   * @param c a valid model
   */
  public static void readingTouchesNothing(Case c) {
    String law = "readingTouchesNothing";
    Map<String, String> arrays = LiveState.of(c.model());
    Sources.with(c, Sources::content);
    DetectorLaws.requireSame(law, c, arrays, LiveState.of(c.model()));
    c.path()
        .ifPresent(
            path ->
                Folders.temporary(
                    folder -> {
                      Path copy = Folders.copy(path, folder);
                      Map<String, String> before = Folders.snapshot(folder);
                      try (TensorSource source = c.open(copy)) {
                        Sources.content(source);
                      }
                      DetectorLaws.requireSame(law, c, before, Folders.snapshot(folder));
                    }));
  }

  /**
   * A source that was closed leaves no array. Needs an engine. No other thread may use arrays
   * meanwhile.
   *
   * @param c a valid model
   */
  public static void leavesNoArrays(Case c) {
    Sources.with(c, Sources::content); // The first call may make constants and keep them.
    int before = LiveArrays.count();
    Sources.with(c, Sources::content);
    int after = LiveArrays.count();
    if (after != before) {
      throw new LawViolation(
          "leavesNoArrays", c, "%d arrays are alive, %d were before".formatted(after, before));
    }
  }

  /**
   * Several threads that read at once get the same bytes as one alone. A data race need not show
   * every time.
   *
   * @param c a valid model
   */
  public static void threadsDoNotMatter(Case c) {
    String law = "threadsDoNotMatter";
    Sources.with(
        c,
        source -> {
          Map<String, byte[]> alone = Sources.content(source);
          Map<String, Sources.Item> items = Sources.items(source);
          List<Callable<Void>> tasks = new ArrayList<>();
          for (int thread = 0; thread < THREADS; thread++) {
            List<String> order = new ArrayList<>(alone.keySet());
            Collections.rotate(order, thread);
            tasks.add(
                () -> {
                  for (int round = 0; round < ROUNDS; round++) {
                    for (String name : order) {
                      byte[] read = requireNonNull(items.get(name)).read();
                      if (!Arrays.equals(alone.get(name), read)) {
                        throw new LawViolation(law, c, name + " has other bytes on threads");
                      }
                    }
                  }
                  return null;
                });
          }
          TileIndependenceLaws.runAll(law, c, tasks);
        });
  }
}

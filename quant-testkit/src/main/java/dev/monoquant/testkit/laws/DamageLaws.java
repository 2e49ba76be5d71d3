package dev.monoquant.testkit.laws;

import dev.monoquant.ModelFormatException;
import dev.monoquant.spi.InputFormatDetector;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Laws for an {@link InputFormatDetector} and a damaged or oversized model. */
public final class DamageLaws {

  /**
   * More than an array or a mapping can hold; the file is sparse if the file system supports it.
   */
  private static final long GIANT = 3L << 30;

  private DamageLaws() {}

  /** {@return every law about damaged files, the simplest first} */
  public static List<Law<SourceCase>> all() {
    return List.of(
        new Law<>("probeReadsTheBeginning", DamageLaws::probeReadsTheBeginning),
        new Law<>("damageIsReported", DamageLaws::damageIsReported),
        new Law<>("truncationIsNoticed", DamageLaws::truncationIsNoticed));
  }

  /**
   * Probing a file reads at most its first {@link InputFormatDetector#LOOK_AHEAD} bytes: two files
   * that differ only after them give the same result, and a file of 3 GiB can be probed.
   *
   * @param c a valid model; the law does not apply to a directory or a live object
   */
  public static void probeReadsTheBeginning(SourceCase c) {
    String law = "probeReadsTheBeginning";
    Path model = c.path().filter(Files::isRegularFile).orElse(null);
    if (model == null) {
      throw new NotApplicable(law, "the model is not a file");
    }
    Folders.temporary(
        folder -> {
          byte[] intact = Files.readAllBytes(model);
          int shared = Math.max(intact.length, InputFormatDetector.LOOK_AHEAD);
          Path file = folder.resolve(String.valueOf(model.getFileName()));
          byte[] zeros = Arrays.copyOf(intact, shared + 1000);
          Match first = c.detector().probe(ModelInput.of(Files.write(file, zeros)));
          byte[] others = zeros.clone();
          Arrays.fill(others, shared, others.length, (byte) 0x5A);
          Files.delete(file);
          Match second = c.detector().probe(ModelInput.of(Files.write(file, others)));
          if (first != second) {
            throw new LawViolation(
                law,
                c,
                "with other bytes from byte %d on, probe returns %s instead of %s"
                    .formatted(shared, second, first));
          }
          Files.delete(file);
          grow(Files.write(file, intact));
          try {
            c.detector().probe(ModelInput.of(file));
          } catch (RuntimeException | OutOfMemoryError e) {
            throw new LawViolation(law, c, "a file of " + GIANT + " bytes: " + e, e);
          }
        });
  }

  /** Makes a file larger than what one array holds. */
  static void grow(Path file) throws IOException {
    Path sparse = file.resolveSibling("sparse");
    try (SeekableByteChannel channel =
        Files.newByteChannel(
            sparse,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      channel.write(ByteBuffer.wrap(Files.readAllBytes(file)));
      channel.position(GIANT - 1).write(ByteBuffer.wrap(new byte[1]));
    }
    Files.delete(file);
    Files.move(sparse, file);
  }

  /**
   * A model that is truncated or has a flipped bit either opens or is refused with a {@link
   * ModelFormatException} or an {@link IOException}. If it opens, the same holds for reading it.
   *
   * @param c a valid model; the law does not apply to a live object
   */
  public static void damageIsReported(SourceCase c) {
    Function<byte[], List<Damage>> both =
        intact -> {
          List<Damage> all = new ArrayList<>(Damage.truncations(intact));
          all.addAll(Damage.flips(intact));
          return all;
        };
    eachDamaged(
        "damageIsReported",
        c,
        both,
        (damaged, what) -> {
          try (ModelSource source = c.open(damaged)) {
            Sources.content(source);
          } catch (IOException | ModelFormatException refused) {
            return;
          } catch (RuntimeException | LinkageError | StackOverflowError | OutOfMemoryError e) {
            throw new LawViolation("damageIsReported", c, what + ": " + e, e);
          }
        });
  }

  /**
   * A truncated model is refused, or all tensors are present with all their bytes. The type of the
   * exception is checked by {@link #damageIsReported}.
   *
   * @param c a valid model; the law does not apply to a live object
   */
  public static void truncationIsNoticed(SourceCase c) {
    Map<String, byte[]> whole = new LinkedHashMap<>();
    Sources.with(c, source -> whole.putAll(Sources.content(source)));
    eachDamaged(
        "truncationIsNoticed",
        c,
        Damage::truncations,
        (damaged, what) -> {
          try (ModelSource source = c.open(damaged)) {
            if (!Sources.same(whole, Sources.content(source))) {
              throw new LawViolation(
                  "truncationIsNoticed", c, what + ": the file opens, and its tensors differ");
            }
          } catch (IOException | RuntimeException refused) {
            return;
          }
        });
  }

  private interface Damaged {
    void at(Path model, String what);
  }

  private static void eachDamaged(
      String law, SourceCase c, Function<byte[], List<Damage>> damages, Damaged look) {
    Path model = c.path().orElse(null);
    if (model == null) {
      throw new NotApplicable(law, "a live object is not read from a file");
    }
    Folders.temporary(
        folder -> {
          Path copy = Folders.copy(model, folder);
          for (Path file : Folders.files(copy)) {
            byte[] intact = Files.readAllBytes(file);
            for (Damage damage : damages.apply(intact)) {
              // A new file each time: the old file may still be mapped.
              Files.delete(file);
              Files.write(file, damage.bytes());
              look.at(copy, file.getFileName() + " " + damage.what());
            }
            Files.delete(file);
            Files.write(file, intact);
          }
        });
  }
}

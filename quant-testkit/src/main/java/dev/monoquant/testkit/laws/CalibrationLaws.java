package dev.monoquant.testkit.laws;

import com.sun.management.ThreadMXBean;
import dev.monoquant.QuantException;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.CalibrationReader;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.laws.CalibrationReaderLaws.Sample;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Laws for what a {@link CalibrationReader} makes of a valid file of its format whose statistics
 * are known, and of damaged ones.
 */
public final class CalibrationLaws {

  /** What opening and reading a small file may allocate, whatever its numbers say. */
  private static final long BUDGET = 64L << 20;

  private static final int THREADS = 4;

  /** Statistics may be rounded to FLOAT16. */
  private static final double ROUNDING = 2e-3;

  private CalibrationLaws() {}

  /** {@return every law about a valid file, the simplest first} */
  public static List<Law<Sample>> ofSamples() {
    return List.of(
        new Law<>("probeMatchesItsOwn", CalibrationReaderLaws::probeMatchesItsOwn),
        new Law<>("readsWhatWasMeasured", CalibrationLaws::readsWhatWasMeasured),
        new Law<>("unitsAgree", CalibrationLaws::unitsAgree),
        new Law<>("answersAlike", CalibrationLaws::answersAlike),
        new Law<>("readsInSeveralThreads", CalibrationLaws::readsInSeveralThreads),
        new Law<>("hashCoversStatistics", CalibrationLaws::hashCoversStatistics),
        new Law<>("probeReadsLittle", CalibrationLaws::probeReadsLittle),
        new Law<>("damageIsReported", CalibrationLaws::damageIsReported));
  }

  /**
   * The layers are those that were measured, and each is found under its name, with the numbers
   * that were measured: rows, ranges, mean squares and Gram matrices, as means over the rows.
   *
   * @param c a valid file
   */
  public static void readsWhatWasMeasured(Sample c) {
    String law = "readsWhatWasMeasured";
    Map<String, String> truth = new TreeMap<>();
    c.truth().forEach(layer -> truth.put(layer.layer(), CalibrationContents.ofLayer(layer)));
    if (truth.isEmpty()) {
      throw new LawViolation(law, c, "the sample has no layer");
    }
    use(
        law,
        c,
        calibration -> {
          TreeSet<String> layers = new TreeSet<>(calibration.layers());
          if (!layers.equals(truth.keySet())) {
            throw new LawViolation(law, c, "layers " + layers + " instead of " + truth.keySet());
          }
          Map<String, String> read = CalibrationContents.of(calibration);
          if (!read.equals(truth)) {
            throw new LawViolation(law, c, "it reads " + read + " instead of " + truth);
          }
        });
  }

  /**
   * The statistics of a layer are of the same inputs, in the same unit: the diagonal of a Gram
   * matrix is the mean squares, no mean square exceeds the square of the largest magnitude, and no
   * element of a Gram matrix the geometric mean of its two diagonal elements.
   *
   * @param c a valid file
   */
  public static void unitsAgree(Sample c) {
    use(
        "unitsAgree",
        c,
        calibration -> {
          for (String layer : calibration.layers()) {
            calibration.find(layer).ifPresent(statistics -> requireUnits(c, statistics));
          }
        });
  }

  private static void requireUnits(Sample c, InputStatistics statistics) {
    Optional<float[]> squares = statistics.meanSquares();
    if (squares.isEmpty()) {
      return;
    }
    statistics
        .range()
        .ifPresent(
            range -> {
              double most = Math.max(Math.abs(range.min()), Math.abs(range.max()));
              for (float square : squares.get()) {
                if (square > most * most * (1 + ROUNDING)) {
                  throw units(c, statistics, "the mean square " + square + " and the range", range);
                }
              }
            });
    Optional<GramMatrix> gram = statistics.gram();
    if (gram.isEmpty()) {
      return;
    }
    float[] diagonal = gram.get().diagonal();
    float[] row = new float[diagonal.length];
    for (int i = 0; i < diagonal.length; i++) {
      double difference = Math.abs(diagonal[i] - (double) squares.get()[i]);
      if (difference > ROUNDING * diagonal[i]) {
        throw units(
            c,
            statistics,
            "the mean square " + squares.get()[i] + " and the diagonal",
            diagonal[i]);
      }
      gram.get().readRow(i, row);
      for (int j = 0; j < row.length; j++) {
        double most = Math.sqrt(diagonal[i] * (double) diagonal[j]);
        if (Math.abs(row[j]) > most * (1 + ROUNDING)) {
          throw units(c, statistics, "the element " + row[j] + " and the largest possible", most);
        }
      }
    }
  }

  private static LawViolation units(
      Sample c, InputStatistics statistics, String what, Object other) {
    return new LawViolation(
        "unitsAgree", c, "layer " + statistics.layer() + ": " + what + " " + other + " disagree");
  }

  /**
   * A layer has the same object at each call, an unknown layer has none, and the hash is 64
   * lower-case hexadecimal digits, the same at each call and each opening.
   *
   * @param c a valid file
   */
  public static void answersAlike(Sample c) {
    String law = "answersAlike";
    Map<String, String> hashes = new TreeMap<>();
    use(
        law,
        c,
        calibration -> {
          for (String layer : calibration.layers()) {
            InputStatistics first = calibration.find(layer).orElse(null);
            if (calibration.find(layer).orElse(null) != first) {
              throw new LawViolation(law, c, "find(" + layer + ") returns another object");
            }
          }
          if (calibration.find("a layer that nobody has").isPresent()) {
            throw new LawViolation(law, c, "it finds a layer that it does not have");
          }
          if (calibration.describe().isBlank()) {
            throw new LawViolation(law, c, "describe() is blank");
          }
          hashes.put("at the first call", calibration.digest());
          hashes.put("at the second call", calibration.digest());
        });
    use(law, c, again -> hashes.put("opened again", again.digest()));
    if (Set.copyOf(hashes.values()).size() > 1
        || !hashes.values().stream().allMatch(CalibrationLaws::isHash)) {
      throw new LawViolation(law, c, "digest() is " + hashes);
    }
  }

  private static boolean isHash(String text) {
    return text.length() == 64
        && text.chars().allMatch(d -> (d >= '0' && d <= '9') || (d >= 'a' && d <= 'f'));
  }

  /**
   * Several threads read the same statistics from one calibration.
   *
   * @param c a valid file
   */
  public static void readsInSeveralThreads(Sample c) {
    String law = "readsInSeveralThreads";
    AtomicReference<Map<String, String>> alone = new AtomicReference<>(Map.of());
    use(law, c, calibration -> alone.set(CalibrationContents.of(calibration)));
    use(
        law,
        c,
        calibration -> {
          ExecutorService pool = Executors.newFixedThreadPool(THREADS);
          try {
            Callable<Map<String, String>> read = () -> CalibrationContents.of(calibration);
            for (Future<Map<String, String>> one :
                pool.invokeAll(List.of(read, read, read, read))) {
              if (!one.get().equals(alone.get())) {
                throw new LawViolation(
                    law, c, "a thread reads " + one.get() + " instead of " + alone.get());
              }
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LawViolation(law, c, "interrupted", e);
          } catch (ExecutionException e) {
            throw new LawViolation(law, c, "a thread failed: " + e.getCause(), e.getCause());
          } finally {
            pool.shutdownNow();
          }
        });
  }

  /**
   * Files with different statistics have different hashes.
   *
   * @param c a valid file
   */
  public static void hashCoversStatistics(Sample c) {
    String law = "hashCoversStatistics";
    Map<String, String> intact = new TreeMap<>();
    AtomicReference<String> hash = new AtomicReference<>("");
    use(
        law,
        c,
        calibration -> {
          intact.putAll(CalibrationContents.of(calibration));
          hash.set(calibration.digest());
        });
    eachDamaged(
        c,
        false,
        (damaged, what) -> {
          try (Calibration other = c.reader().open(damaged, ReadLimits.DEFAULT)) {
            if (!CalibrationContents.of(other).equals(intact)
                && other.digest().equals(hash.get())) {
              throw new LawViolation(law, c, what + ": other statistics with the same hash");
            }
          } catch (IOException | RuntimeException refused) {
            return;
          }
        });
  }

  /**
   * Probing does not read the whole file: one of 3 GiB can be probed, in little memory.
   *
   * @param c a valid file
   */
  public static void probeReadsLittle(Sample c) {
    String law = "probeReadsLittle";
    Folders.temporary(
        folder -> {
          Path file = Folders.copy(c.file(), folder);
          DamageLaws.grow(file);
          long before = allocated();
          try {
            c.reader().probe(file);
          } catch (RuntimeException | OutOfMemoryError e) {
            throw new LawViolation(law, c, "a file of " + Files.size(file) + " bytes: " + e, e);
          }
          requireBudget(law, c, "a file of " + Files.size(file) + " bytes", before);
        });
  }

  /**
   * A file that is truncated or has a flipped bit either opens or is refused with a {@link
   * QuantException} or an {@link IOException}, and so do its statistics. Neither takes more than 64
   * MiB, whatever numbers the file has.
   *
   * @param c a valid file
   */
  public static void damageIsReported(Sample c) {
    String law = "damageIsReported";
    eachDamaged(
        c,
        true,
        (damaged, what) -> {
          long before = allocated();
          try (Calibration calibration = c.reader().open(damaged, ReadLimits.DEFAULT)) {
            for (String layer : calibration.layers()) {
              calibration.find(layer).ifPresent(CalibrationContents::ofLayer);
            }
          } catch (IOException | QuantException refused) {
            requireBudget(law, c, what, before);
            return;
          } catch (RuntimeException | LinkageError | StackOverflowError | OutOfMemoryError e) {
            throw new LawViolation(law, c, what + ": " + e, e);
          }
          requireBudget(law, c, what, before);
        });
  }

  /**
   * A mean square or an end of a range that is NaN is refused with a {@link QuantException} when it
   * is opened or asked for, and the message names the layer.
   *
   * @param c a file with such a number
   */
  public static void nonFiniteIsRefused(Sample c) {
    String law = "nonFiniteIsRefused";
    try (Calibration calibration = c.open()) {
      for (String layer : calibration.layers()) {
        try {
          calibration.find(layer).ifPresent(CalibrationContents::ofLayer);
        } catch (QuantException refused) {
          if (!String.valueOf(refused.getMessage()).contains(layer)) {
            throw new LawViolation(
                law, c, "the message does not name the layer: " + refused, refused);
          }
          return;
        }
      }
    } catch (QuantException refused) {
      return;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw new LawViolation(law, c, "a statistic that is NaN is not refused");
  }

  private interface Use {
    void of(Calibration calibration);
  }

  private static void use(String law, Sample c, Use use) {
    try (Calibration calibration = c.open()) {
      use.of(calibration);
    } catch (IOException | QuantException e) {
      throw new LawViolation(law, c, "a valid file is refused: " + e, e);
    }
  }

  private interface Damaged {
    void at(Path file, String what);
  }

  private static void eachDamaged(Sample c, boolean truncate, Damaged look) {
    Folders.temporary(
        folder -> {
          Path file = Folders.copy(c.file(), folder);
          byte[] intact = Files.readAllBytes(file);
          List<Damage> damages = new ArrayList<>(Damage.flips(intact));
          if (truncate) {
            damages.addAll(Damage.truncations(intact));
          }
          for (Damage damage : damages) {
            // A new file each time: the old file may still be mapped.
            Files.delete(file);
            Files.write(file, damage.bytes());
            look.at(file, damage.what());
          }
        });
  }

  private static long allocated() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    return threads.getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  private static void requireBudget(String law, Sample c, String what, long before) {
    long used = allocated() - before;
    if (used > BUDGET) {
      throw new LawViolation(
          law, c, what + ": " + used + " bytes were allocated; at most " + BUDGET + " are allowed");
    }
  }
}

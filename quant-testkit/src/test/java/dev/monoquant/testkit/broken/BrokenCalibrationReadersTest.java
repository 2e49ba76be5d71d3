package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.ModelFormatException;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.CalibrationReader;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.Match;
import dev.monoquant.spi.MeasuredInputs;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.laws.CalibrationLaws;
import dev.monoquant.testkit.laws.CalibrationReaderLaws;
import dev.monoquant.testkit.laws.CalibrationReaderLaws.Case;
import dev.monoquant.testkit.laws.CalibrationReaderLaws.Sample;
import dev.monoquant.testkit.laws.LawViolation;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Readers of calibrations with one fault each, and the one law that must see it. */
class BrokenCalibrationReadersTest {

  private static final int MAGIC = 0x53544154;
  private static final List<InputStatistics> TRUTH =
      List.of(InputStatistics.of("fc").withRows(2).withRange(-4, 5).withMeanSquares(4, 9));

  @TempDir private Path folder;

  /**
   * The format: the magic number, the number of columns, that of rows, the least and the greatest
   * input, and the sum of squares of each column; a layer is called fc.
   */
  private static class Toy implements CalibrationReader {
    @Override
    public String id() {
      return "toy";
    }

    byte[] head(Path file) throws IOException {
      try (InputStream in = Files.newInputStream(file)) {
        return in.readNBytes(Integer.BYTES);
      }
    }

    @Override
    public Match probe(Path file) {
      try {
        byte[] head = head(file);
        return head.length >= Integer.BYTES && ByteBuffer.wrap(head).getInt() == MAGIC
            ? Match.CERTAIN
            : Match.NONE;
      } catch (IOException e) {
        return Match.NONE;
      }
    }

    void check(Path file, ByteBuffer bytes) {
      int fixed = 5 * Integer.BYTES;
      if (bytes.capacity() < fixed
          || bytes.getInt(0) != MAGIC
          || bytes.getInt(4) != (bytes.capacity() - fixed) / Float.BYTES
          || bytes.getInt(4) < 1
          || bytes.getInt(8) < 1) {
        throw new ModelFormatException(
            ModelFormatException.Reason.TRUNCATED, file.toString(), "", "it is damaged");
      }
    }

    float mean(float sum, int rows) {
      return sum / rows;
    }

    Calibration calibration(InputStatistics statistics) {
      return MeasuredInputs.of(statistics);
    }

    @Override
    public Calibration open(Path file, ReadLimits limits) throws IOException {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
      check(file, bytes);
      int rows = bytes.getInt(8);
      float[] squares = new float[bytes.getInt(4)];
      for (int c = 0; c < squares.length; c++) {
        squares[c] = mean(bytes.getFloat(20 + c * Float.BYTES), rows);
      }
      return calibration(
          InputStatistics.of("fc")
              .withRows(rows)
              .withRange(bytes.getFloat(12), bytes.getFloat(16))
              .withMeanSquares(squares));
    }
  }

  /** Delegates, so that single answers can be wrong. */
  private static class Wrapped implements Calibration {
    private final Calibration of;

    Wrapped(Calibration of) {
      this.of = of;
    }

    @Override
    public String describe() {
      return of.describe();
    }

    @Override
    public String digest() {
      return of.digest();
    }

    @Override
    public Set<String> layers() {
      return of.layers();
    }

    @Override
    public Optional<InputStatistics> find(String layer) {
      return of.find(layer);
    }

    @Override
    public void close() {
      of.close();
    }
  }

  private Path file(String name, float square) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(28).putInt(MAGIC).putInt(2).putInt(2);
    bytes.putFloat(-4).putFloat(5).putFloat(square).putFloat(18);
    return Files.write(folder.resolve(name), bytes.array());
  }

  /** The laws that a reader breaks. */
  private List<String> caught(CalibrationReader reader) throws IOException {
    List<String> broken = new ArrayList<>();
    Path sample = file("sample.toy", 8);
    Sample valid = new Sample(reader, sample, TRUTH);
    for (var law : CalibrationLaws.ofSamples()) {
      catching(() -> law.check(valid), broken);
    }
    Path nan = file("nan.toy", Float.NaN);
    catching(() -> CalibrationLaws.nonFiniteIsRefused(new Sample(reader, nan, List.of())), broken);
    Path foreign = Files.write(folder.resolve("foreign"), new byte[] {1, 2});
    Path damaged = Files.write(folder.resolve("damaged"), new byte[] {'S', 'T', 'A', 'T', 0});
    for (Path file : List.of(foreign, damaged, sample)) {
      for (var law : CalibrationReaderLaws.all()) {
        catching(() -> law.check(new Case(reader, file, folder)), broken);
      }
    }
    return broken;
  }

  private static void catching(Runnable law, List<String> broken) {
    try {
      law.run();
    } catch (LawViolation e) {
      if (!broken.contains(e.law())) {
        broken.add(e.law());
      }
    }
  }

  @Test
  void aSoundOneBreaksNone() throws IOException {
    assertThat(caught(new Toy())).isEmpty();
  }

  @Test
  void readsItAllToProbe() throws IOException {
    CalibrationReader reader =
        new Toy() {
          @Override
          byte[] head(Path file) throws IOException {
            return Files.readAllBytes(file);
          }
        };
    assertThat(caught(reader)).containsExactly("probeReadsLittle");
  }

  @Test
  void throwsOnForeignBytes() throws IOException {
    CalibrationReader reader =
        new Toy() {
          @Override
          public Match probe(Path file) {
            try {
              return ByteBuffer.wrap(head(file)).getInt() == MAGIC ? Match.CERTAIN : Match.NONE;
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          }
        };
    assertThat(caught(reader)).containsExactly("probeNeverThrows");
  }

  @Test
  void isUnsureOfItsOwn() throws IOException {
    CalibrationReader reader =
        new Toy() {
          @Override
          public Match probe(Path file) {
            return super.probe(file) == Match.NONE ? Match.NONE : Match.POSSIBLE;
          }
        };
    assertThat(caught(reader)).containsExactly("probeMatchesItsOwn");
  }

  /** The sum of 8 fits into the square of the range, that of 18 into no mean. */
  @Test
  void givesSumsForMeans() throws IOException {
    CalibrationReader reader =
        new Toy() {
          @Override
          float mean(float sum, int rows) {
            return sum * rows;
          }
        };
    assertThat(caught(reader)).containsExactly("readsWhatWasMeasured", "unitsAgree");
  }

  @Test
  void believesTheNumberOfColumns() throws IOException {
    CalibrationReader reader =
        new Toy() {
          @Override
          void check(Path file, ByteBuffer bytes) {
            if (bytes.capacity() >= 8 && bytes.getInt(4) > 0) {
              int most = Math.min(bytes.getInt(4), 1 << 26);
              assertThat(new float[most]).hasSize(most);
            }
            super.check(file, bytes);
          }
        };
    assertThat(caught(reader)).containsExactly("damageIsReported");
  }

  @Test
  void readsPastTheEnd() throws IOException {
    CalibrationReader reader =
        new Toy() {
          @Override
          void check(Path file, ByteBuffer bytes) {
            if (bytes.capacity() >= 20) {
              super.check(file, bytes);
            }
          }
        };
    assertThat(caught(reader)).containsExactly("damageIsReported", "openReportsRefusals");
  }

  @Test
  void hashesTheNamesOnly() throws IOException {
    CalibrationReader reader =
        new Toy() {
          @Override
          Calibration calibration(InputStatistics statistics) {
            return new Wrapped(super.calibration(statistics)) {
              @Override
              public String digest() {
                return "0".repeat(64);
              }
            };
          }
        };
    assertThat(caught(reader)).containsExactly("hashCoversStatistics");
  }

  @Test
  void makesItsAnswersAnew() throws IOException {
    CalibrationReader reader =
        new Toy() {
          @Override
          Calibration calibration(InputStatistics statistics) {
            return new Wrapped(super.calibration(statistics)) {
              @Override
              public Optional<InputStatistics> find(String layer) {
                return super.find(layer).map(found -> found.withRows(2));
              }
            };
          }
        };
    assertThat(caught(reader)).contains("answersAlike");
  }

  @Test
  void belongsToOneThread() throws IOException {
    Thread owner = Thread.currentThread();
    CalibrationReader reader =
        new Toy() {
          @Override
          Calibration calibration(InputStatistics statistics) {
            return new Wrapped(super.calibration(statistics)) {
              @Override
              public Optional<InputStatistics> find(String layer) {
                return Thread.currentThread() == owner ? super.find(layer) : Optional.empty();
              }
            };
          }
        };
    assertThat(caught(reader)).containsExactly("readsInSeveralThreads");
  }

  /** Takes NaN for nothing. */
  @Test
  void hidesWhatIsNotANumber() throws IOException {
    CalibrationReader reader =
        new Toy() {
          @Override
          float mean(float sum, int rows) {
            return Float.isFinite(sum) ? Math.abs(sum) / rows : 0;
          }
        };
    assertThat(caught(reader)).containsExactly("nonFiniteIsRefused");
  }
}

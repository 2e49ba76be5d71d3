package dev.monoquant.io.calibration;

import dev.monoquant.spi.CalibrationReader;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.testkit.contracts.CalibrationReaderContract;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import net.jqwik.api.Group;

/** All readers of this package, on files of their own writers and of other programs. */
class CalibrationReadersContractTest {

  private static byte[] resource(String name) throws IOException {
    try (InputStream in =
        CalibrationReadersContractTest.class.getResourceAsStream("/calibration/" + name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }

  private Path copy(String name, Path folder) throws IOException {
    return Files.write(folder.resolve(name), resource(name));
  }

  /** A copy in which every occurrence of a float is NaN. */
  private Optional<Path> withNaN(String name, float value, Path folder) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(resource(name)).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at <= bytes.capacity() - Float.BYTES; at++) {
      if (bytes.getFloat(at) == value) {
        bytes.putFloat(at, Float.NaN);
      }
    }
    return Optional.of(Files.write(folder.resolve(name), bytes.array()));
  }

  private static GramMatrix gram(float[]... rows) {
    return new GramMatrix() {
      @Override
      public int size() {
        return rows.length;
      }

      @Override
      public void readRow(int row, float[] into) {
        System.arraycopy(rows[row], 0, into, 0, rows.length);
      }
    };
  }

  /** What the files of numpy and the own one have. */
  private List<InputStatistics> fc() {
    return List.of(
        InputStatistics.of("a.fc")
            .withRows(70)
            .withRange(-3, 5)
            .withMeanSquares(4, 9)
            .withGram(gram(new float[] {4, 1}, new float[] {1, 9})));
  }

  @Group
  class Own implements CalibrationReaderContract {
    @Override
    public CalibrationReader subject() {
      return new SafetensorsCalibration();
    }

    private Path write(Path folder, float square) throws IOException {
      return new StatisticsFile()
          .version("1")
          .floats("a.fc.x2", new long[] {2}, square, 9)
          .floats("a.fc.h", new long[] {2, 2}, 4, 1, 1, 9)
          .floats("a.fc.xmin", new long[] {}, -3)
          .floats("a.fc.xmax", new long[] {1}, 5)
          .longs("a.fc.count", 70)
          .write(folder.resolve("m.calibration.safetensors"));
    }

    @Override
    public Path sample(Path folder) throws IOException {
      return write(folder, 4);
    }

    @Override
    public List<InputStatistics> truth() {
      return fc();
    }

    @Override
    public Optional<Path> notANumber(Path folder) throws IOException {
      return Optional.of(write(folder, Float.NaN));
    }
  }

  @Group
  class Numpy implements CalibrationReaderContract {
    @Override
    public CalibrationReader subject() {
      return new NumpyCalibration();
    }

    @Override
    public Path sample(Path folder) throws IOException {
      return copy("plain.npz", folder);
    }

    @Override
    public List<InputStatistics> truth() {
      return fc();
    }

    @Override
    public Optional<Path> notANumber(Path folder) throws IOException {
      return withNaN("plain.npz", 4, folder);
    }
  }

  @Group
  class NumpyCompressed extends Numpy {
    @Override
    public Path sample(Path folder) throws IOException {
      return copy("compressed.npz", folder);
    }
  }

  @Group
  class Gguf implements CalibrationReaderContract {
    @Override
    public CalibrationReader subject() {
      return new GgufImatrix();
    }

    @Override
    public Path sample(Path folder) throws IOException {
      return copy("imatrix.gguf", folder);
    }

    @Override
    public List<InputStatistics> truth() {
      return List.of(
          InputStatistics.of("blk.0.attn_q").withMeanSquares(4, 9),
          InputStatistics.of("blk.0.ffn_down_exps.0").withMeanSquares(1, 2),
          // No token reached it.
          InputStatistics.of("blk.0.ffn_down_exps.1").withMeanSquares(1, 1),
          InputStatistics.of("blk.0.ffn_down_exps.2").withMeanSquares(4, 1),
          InputStatistics.of("output").withMeanSquares(1, 1));
    }

    @Override
    public Optional<Path> notANumber(Path folder) throws IOException {
      return withNaN("imatrix.gguf", 18, folder);
    }
  }

  @Group
  class Legacy implements CalibrationReaderContract {
    @Override
    public CalibrationReader subject() {
      return new LegacyImatrix();
    }

    @Override
    public Path sample(Path folder) throws IOException {
      return copy("imatrix.dat", folder);
    }

    @Override
    public List<InputStatistics> truth() {
      return List.of(
          InputStatistics.of("blk.0.attn_q").withMeanSquares(4, 9),
          InputStatistics.of("output").withMeanSquares(1, 1));
    }

    @Override
    public Optional<Path> notANumber(Path folder) throws IOException {
      return withNaN("imatrix.dat", 18, folder);
    }
  }
}

package dev.monoquant.core.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.core.FakeScheme;
import dev.monoquant.core.open.InputOpener;
import dev.monoquant.core.report.Comparison;
import dev.monoquant.core.settings.OwnOptions;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.verify.Comparer;
import dev.monoquant.core.work.TileBuffers;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.Provenance;
import dev.monoquant.testkit.fakes.MemoryFormat;
import dev.monoquant.testkit.fakes.MemoryModel;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

/** A decoded weight has the same numbers however it is read. */
class DecodedSourceTest {

  /** A weight whose code at each row and column is known, and which is read as the SPI asks. */
  private static final class Codes implements ModelSource {
    final EncodedWeight weight;
    final byte[] codes;

    Codes(WeightMatrix matrix, int alignment, Random random) {
      Encoding encoding =
          Encoding.opaque(
              Part.perElement(Part.CODES, ElementType.INT8),
              Part.perBlock("scale", ElementType.FLOAT32, alignment, 1));
      this.weight =
          new EncodedWeight(matrix, new FakeScheme().id(), OptionValues.DEFAULTS, encoding);
      this.codes = new byte[(int) (matrix.rowCount() * matrix.columnCount())];
      random.nextBytes(codes);
    }

    @Override
    public ModelInfo info() {
      return ModelInfo.of("codes", List.of()).withQuantized(List.of(weight));
    }

    @Override
    public ByteBuffer read(TensorInfo tensor, long offset, int length) {
      throw new AssertionError("there are no plain tensors");
    }

    @Override
    public EncodedTile readTile(EncodedWeight asked, RowRange rows) {
      int alignment = weight.encoding().rowAlignment();
      assertThat(rows.first() % alignment).isZero();
      assertThat(rows.height() % alignment == 0 || rows.end() == weight.matrix().rowCount())
          .isTrue();
      assertThat(rows.end()).isLessThanOrEqualTo(weight.matrix().rowCount());
      int cols = (int) weight.matrix().columnCount();
      byte[] part = Arrays.copyOfRange(codes, (int) rows.first() * cols, (int) rows.end() * cols);
      return new EncodedTile(rows.first(), rows.height(), Map.of(Part.CODES, part));
    }

    @Override
    public void close() {}
  }

  private static Codes codes(Random random, int rank, int alignment) {
    long[] dims = new long[rank];
    for (int axis = 0; axis < rank; axis++) {
      dims[axis] = 1L + random.nextInt(rank < 3 ? 30 : 5);
    }
    TensorInfo tensor = new TensorInfo("l.w", ElementType.FLOAT16, TensorShape.of(dims));
    int axis = random.nextInt(rank);
    return new Codes(new WeightMatrix("l", LayerKind.LINEAR, "w", tensor, axis), alignment, random);
  }

  private static DecodedSource decoded(Codes codes) {
    return new DecodedSource(Settings.defaults().withPlugins(Plugins.of(new FakeScheme())), codes);
  }

  /** The bytes of the tensor, cell by cell. */
  private static byte[] bytes(Codes codes) {
    WeightMatrix matrix = codes.weight.matrix();
    TensorInfo tensor = matrix.tensor();
    WeightMatrix.Runs runs = matrix.runs(new RowRange(0, (int) matrix.rowCount()));
    float[] rows = new float[codes.codes.length];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = codes.codes[i] / 64f;
    }
    float[] values = new float[rows.length];
    runs.gather(rows, 0, runs.count(), values);
    byte[] bytes = new byte[(int) tensor.bytes()];
    FloatBytes.narrow(tensor.type(), values, 0, values.length, bytes, 0);
    return bytes;
  }

  @Property
  void bytesRowsAndBandsAreTheSameNumbers(
      @ForAll Random random,
      @ForAll @IntRange(min = 1, max = 4) int rank,
      @ForAll @IntRange(min = 1, max = 4) int alignment,
      @ForAll @IntRange(min = 1, max = 200) int band)
      throws IOException {
    Codes codes = codes(random, rank, alignment);
    WeightMatrix matrix = codes.weight.matrix();
    TensorInfo tensor = matrix.tensor();
    byte[] expected = bytes(codes);
    try (DecodedSource decoded = decoded(codes)) {
      int from = random.nextInt(expected.length + 1);
      int length = random.nextInt(expected.length - from + 1);
      byte[] read = new byte[length];
      decoded.read(tensor, from, length).get(read);
      assertThat(read).isEqualTo(Arrays.copyOfRange(expected, from, from + length));

      int first = random.nextInt((int) matrix.rowCount());
      RowRange rows = new RowRange(first, random.nextInt((int) matrix.rowCount() - first + 1));
      float[] values = new float[rows.height() * (int) matrix.columnCount()];
      decoded.readRows(matrix, rows, values);
      for (int i = 0; i < values.length; i++) {
        assertThat(values[i]).isEqualTo(codes.codes[first * (int) matrix.columnCount() + i] / 64f);
      }

      TensorPieces pieces = new TensorPieces(decoded, tensor, 1 + band, band);
      assertThat(pieces.inOrder()).isEqualTo(matrix.rowAxis() == 0);
      byte[] made = new byte[expected.length];
      long[] covered = new long[2];
      for (long piece = 0; piece < pieces.count(); piece++) {
        covered[0] += pieces.bytes(piece);
        pieces.read(
            piece,
            new TileBuffers(),
            (at, data) -> {
              covered[1] += data.remaining();
              data.get(made, (int) at, data.remaining());
            });
      }
      assertThat(made).isEqualTo(expected);
      assertThat(covered).containsOnly(expected.length);
    }
  }

  /** As another axis' rows: seldom, dear, and right all the same. */
  @Property(tries = 100)
  void rowsOfAnotherAxisAreTheSameNumbers(@ForAll Random random) throws IOException {
    Codes codes = codes(random, 2, 1);
    WeightMatrix own = codes.weight.matrix();
    WeightMatrix other = new WeightMatrix("l", own.kind(), "w", own.tensor(), 1 - own.rowAxis());
    float[] values = new float[codes.codes.length];
    try (DecodedSource decoded = decoded(codes)) {
      decoded.readRows(other, new RowRange(0, (int) other.rowCount()), values);
    }
    for (int row = 0; row < own.rowCount(); row++) {
      for (int col = 0; col < own.columnCount(); col++) {
        assertThat(values[col * (int) own.rowCount() + row])
            .isEqualTo(codes.codes[row * (int) own.columnCount() + col] / 64f);
      }
    }
  }

  /** Compared with its own numbers nothing differs; with one changed, that one does. */
  @Property(tries = 200)
  void comparingByRowsFindsEachNumber(
      @ForAll Random random, @ForAll @IntRange(min = 1, max = 4) int rank) throws IOException {
    Codes codes = codes(random, rank, 1);
    TensorInfo tensor = codes.weight.matrix().tensor();
    byte[] bytes = bytes(codes);
    Comparer comparer = new Comparer(Settings.defaults().withPlugins(Plugins.of(new FakeScheme())));
    assertThat(compare(comparer, codes, tensor, bytes).identical()).isTrue();
    int changed = random.nextInt(bytes.length / 2);
    bytes[2 * changed + 1] ^= 0x40;
    Comparison other = compare(comparer, codes, tensor, bytes);
    assertThat(other.identical()).isFalse();
    assertThat(other.tensors().get(0).errors().maxError()).isPositive();
    assertThat(other.tensors().get(0).errors().elements()).isEqualTo(bytes.length / 2);
  }

  private static Comparison compare(Comparer comparer, Codes codes, TensorInfo tensor, byte[] bytes)
      throws IOException {
    try (ModelSource plain = MemoryModel.named("plain").tensor(tensor, bytes).build().open()) {
      return comparer.compare(opened(codes), opened(plain));
    }
  }

  private static InputOpener.Opened opened(ModelSource source) {
    MemoryFormat any = new MemoryFormat();
    return new InputOpener.Opened(
        source, any.id(), OwnOptions.of(any), Provenance.Reading.DEFAULT, Optional.empty(), false);
  }
}

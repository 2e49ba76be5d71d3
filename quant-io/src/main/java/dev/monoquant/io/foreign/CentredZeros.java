package dev.monoquant.io.foreign;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A layout that stores zero points which a symmetric weight does not have: all are 0. Reading
 * checks that they are.
 */
final class CentredZeros implements WeightLayout {

  private final WeightLayout inner;
  private final EncodedWeight weight;
  private final Part zeros;

  /**
   * Makes the layout.
   *
   * @param inner the layout of the weight with zero points
   * @param weight the weight without zero points
   * @param zeros the part with the zero points
   */
  CentredZeros(WeightLayout inner, EncodedWeight weight, Part zeros) {
    this.inner = inner;
    this.weight = weight;
    this.zeros = zeros;
  }

  @Override
  public List<TensorInfo> tensors() {
    return inner.tensors();
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    EncodedTile tile = inner.read(rows, source);
    for (byte cell : tile.part(zeros.name())) {
      if (cell != 0) {
        throw new ModelFormatException(
            Reason.TENSOR_BOUNDS,
            weight.matrix().tensor().shard(),
            "module " + weight.matrix().layer(),
            "has a zero point in rows "
                + rows.first()
                + " to "
                + (rows.first() + rows.height() - 1)
                + " that it had not when it was opened. Keep the file unchanged while it is read.");
      }
    }
    Map<String, byte[]> parts = new LinkedHashMap<>();
    weight.encoding().parts().forEach(part -> parts.put(part.name(), tile.part(part.name())));
    return new EncodedTile(tile.firstRow(), tile.height(), parts);
  }

  @Override
  public Writer writer(Sink sink) {
    Writer writer = inner.writer(sink);
    WeightMatrix matrix = weight.matrix();
    return new Writer() {
      @Override
      public void writeTile(EncodedTile tile) throws IOException {
        long cells = zeros.tileBytes(tile.height(), matrix.columnCount());
        writer.writeTile(tile.with(Map.of(zeros.name(), new byte[Math.toIntExact(cells)])));
      }

      @Override
      public void writeWhole(Map<String, byte[]> parts) throws IOException {
        writer.writeWhole(parts);
      }
    };
  }
}

package dev.monoquant.io.foreign;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A layout that stores the floats of one part in a wider type, which holds each of them exactly.
 * Reading rounds to the narrower type, which restores what was written. The part has rows of cells.
 */
final class WidenedPart implements WeightLayout {

  private final WeightLayout inner;
  private final Part part;
  private final Part stored;

  /**
   * Makes the layout.
   *
   * @param inner the layout of the weight with the wider part
   * @param part the part of the weight
   * @param stored the same part in the wider type
   */
  WidenedPart(WeightLayout inner, Part part, Part stored) {
    this.inner = inner;
    this.part = part;
    this.stored = stored;
  }

  @Override
  public List<TensorInfo> tensors() {
    return inner.tensors();
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    return mapped(inner.read(rows, source), this::narrow);
  }

  @Override
  public Writer writer(Sink sink) {
    Writer writer = inner.writer(sink);
    return new Writer() {
      @Override
      public void writeTile(EncodedTile tile) throws IOException {
        writer.writeTile(mapped(tile, WidenedPart.this::widen));
      }

      @Override
      public void writeWhole(Map<String, byte[]> parts) throws IOException {
        writer.writeWhole(parts);
      }
    };
  }

  private EncodedTile mapped(EncodedTile tile, Function<byte[], byte[]> change) {
    return tile.with(Map.of(part.name(), change.apply(tile.part(part.name()))));
  }

  private byte[] widen(byte[] cells) {
    return stored.toBytes(part.toFloats(cells));
  }

  private byte[] narrow(byte[] cells) {
    return part.toBytes(stored.toFloats(cells));
  }
}

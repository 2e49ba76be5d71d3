package dev.monoquant.io.compressedtensors;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.layout.Packing;
import dev.monoquant.layout.TensorPerPart;
import dev.monoquant.layout.TensorPerPart.Order;
import dev.monoquant.layout.TensorPerPart.Storage;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A weight in the tensors of a module M, both ways. Packed, with all codes and packed zero points
 * offset by 2^(bits-1):
 *
 * <pre>
 * M.weight_packed      I32 (rows, words of a row)       {@link Packing#WORDS} along each row
 * M.weight_scale       floats, a cell for each scale
 * M.weight_shape       I64 (2)                          rows, columns
 * M.weight_zero_point  I32 (words of a column, groups)  {@link Packing#WORDS} down each column,
 *                      or I8 (1) for one of the tensor
 * </pre>
 *
 * <p>Older files have {@link Packing#PADDED_WORDS}. With {@link Packing#CELLS} the codes are {@code
 * M.weight}, a byte each, and there is no {@code M.weight_shape}.
 */
final class StoredWeight implements WeightLayout {

  private static final String CODES = "weight";

  private final EncodedWeight weight;
  private final String module;
  private final Packing codes;
  private final Packing points;
  private final String label;
  private final TensorPerPart parts;

  /**
   * Lays a weight out.
   *
   * @param weight an affine weight with one scale and perhaps zero points
   * @param module the module whose tensors they are
   * @param codes how codes are stored
   * @param points how tiled zero points are stored
   * @param label the file, for messages
   */
  StoredWeight(EncodedWeight weight, String module, Packing codes, Packing points, String label) {
    this.weight = weight;
    this.module = module;
    this.codes = codes;
    this.points = points;
    this.label = label;
    this.parts = new TensorPerPart(weight.matrix(), weight.encoding(), this::storage);
  }

  private Storage storage(Part part) {
    Formula.Affine affine = (Formula.Affine) weight.encoding().formula();
    if (part.name().equals(affine.codes())) {
      return new Storage(name(codes == Packing.CELLS ? CODES : PackedWeight.PACKED), codes);
    }
    if (part.name().equals(affine.scales().get(0).part())) {
      return new Storage(name(PackedWeight.SCALE), Packing.CELLS);
    }
    return part.tiled()
        ? new Storage(name(PackedWeight.ZERO_POINT), points, Order.COLUMNS)
        : new Storage(name(PackedWeight.ZERO_POINT), Packing.CELLS);
  }

  private String name(String param) {
    return module + "." + param;
  }

  private TensorInfo shape() {
    String shard = weight.matrix().tensor().shard();
    return new TensorInfo(name(PackedWeight.SHAPE), ElementType.INT64, TensorShape.of(2), shard);
  }

  EncodedWeight weight() {
    return weight;
  }

  @Override
  public List<TensorInfo> tensors() {
    List<TensorInfo> tensors = new ArrayList<>(parts.tensors());
    if (codes != Packing.CELLS) {
      tensors.add(shape());
    }
    return tensors;
  }

  @Override
  public Writer writer(Sink sink) {
    Writer writer = parts.writer(sink);
    return new Writer() {
      @Override
      public void writeTile(EncodedTile tile) throws IOException {
        writer.writeTile(tile);
      }

      @Override
      public void writeWhole(Map<String, byte[]> whole) throws IOException {
        writer.writeWhole(whole);
        if (codes != Packing.CELLS) {
          WeightMatrix rows = weight.matrix();
          ByteBuffer shape = ByteBuffer.allocate(2 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
          sink.write(shape(), 0, shape.putLong(rows.rowCount()).putLong(rows.columnCount()).flip());
        }
      }
    };
  }

  /**
   * {@inheritDoc}
   *
   * @throws ModelFormatException if a byte is no code of so few bits
   */
  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    EncodedTile tile = parts.read(rows, source);
    for (Part part : weight.encoding().parts()) {
      TensorInfo tensor = parts.tensor(part.name());
      if (part.type().isCode() && tensor.type() == ElementType.INT8) {
        requireCodes(part.type(), tensor, tile.part(part.name()));
      }
    }
    return tile;
  }

  private void requireCodes(ElementType type, TensorInfo tensor, byte[] cells) {
    for (byte cell : cells) {
      if (cell < type.minCode() || cell > type.maxCode()) {
        throw new ModelFormatException(
            Reason.TENSOR_BOUNDS,
            label,
            "tensor " + quote(tensor.name()),
            "holds "
                + cell
                + ", which is no signed code of "
                + type.bits()
                + " bits. The file is damaged; fetch it again.");
      }
    }
  }
}

package dev.monoquant.io.gguf;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.OutputException;
import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.EncodedTile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;

/**
 * A weight in blocks: one tensor of bytes with the name of the weight, row after row, the blocks of
 * a row one after the other.
 *
 * @param matrix the weight; its row axis is 0, and its last dimension has whole blocks
 * @param form the blocks
 */
record BlockLayout(WeightMatrix matrix, BlockForm form) implements WeightLayout {

  /** Checks the shape. */
  BlockLayout {
    long last = matrix.tensor().shape().dim(-1);
    if (matrix.rowAxis() != 0 || last % form.type().numbers() != 0) {
      throw new IllegalArgumentException(
          "no blocks of "
              + form.type().numbers()
              + " numbers in rows of "
              + matrix.tensor().shape()
              + " of "
              + matrix.tensor().name());
    }
  }

  private int blocksPerRow() {
    return Math.toIntExact(matrix.columnCount() / form.type().numbers());
  }

  private TensorInfo tensor() {
    return stored(matrix.tensor(), form.type().numbers(), form.type().bytes());
  }

  /**
   * {@return the bytes of a tensor in blocks, in its shape but for the last dimension}
   *
   * @param tensor the tensor with its numbers
   * @param numbers numbers of a block
   * @param bytes bytes of a block
   */
  static TensorInfo stored(TensorInfo tensor, int numbers, int bytes) {
    long[] dims = tensor.shape().dims();
    dims[dims.length - 1] = dims[dims.length - 1] / numbers * bytes;
    return new TensorInfo(tensor.name(), ElementType.UINT8, TensorShape.of(dims), tensor.shard());
  }

  @Override
  public List<TensorInfo> tensors() {
    return List.of(tensor());
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    form.encoding().checkRows(matrix, rows);
    int blocks = Math.multiplyExact(rows.height(), blocksPerRow());
    long rowBytes = (long) blocksPerRow() * form.type().bytes();
    ByteBuffer stored =
        source.read(
            tensor(), rows.first() * rowBytes, Math.multiplyExact(blocks, form.type().bytes()));
    return new EncodedTile(rows.first(), rows.height(), form.read(stored.duplicate(), blocks));
  }

  @Override
  public Writer writer(Sink sink) {
    return new Writer() {
      @Override
      public void writeTile(EncodedTile tile) throws IOException {
        form.encoding().checkRows(matrix, new RowRange(tile.firstRow(), tile.height()));
        int blocks = Math.multiplyExact(tile.height(), blocksPerRow());
        ByteBuffer out =
            ByteBuffer.allocate(Math.multiplyExact(blocks, form.type().bytes()))
                .order(ByteOrder.LITTLE_ENDIAN);
        form.requireSizes(tile, blocks);
        refused(() -> form.write(tile, blocks, out));
        long rowBytes = (long) blocksPerRow() * form.type().bytes();
        sink.write(tensor(), tile.firstRow() * rowBytes, out.flip());
      }

      @Override
      public void writeWhole(Map<String, byte[]> parts) {
        refused(() -> form.requireWhole(parts));
      }
    };
  }

  /** Names the weight: parts that the type cannot hold may come from a damaged file. */
  private void refused(Runnable write) {
    try {
      write.run();
    } catch (IllegalArgumentException e) {
      throw new OutputException(
          "tensor "
              + quote(matrix.tensor().name())
              + ": "
              + e.getMessage()
              + ". The weight is damaged, or another tool changed it. Choose another format, or"
              + " quantize the weight anew",
          e);
    }
  }
}

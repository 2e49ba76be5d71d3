package dev.monoquant.io.foreign;

import dev.monoquant.layout.WeightLayout;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Scales that are quantized themselves (double quantization of bitsandbytes): a byte for each
 * scale, which chooses one of 256 levels, and a scale for each 256 of them, whatever their rows:
 *
 * <pre>
 * scale[i] = levels[codes[i]] * largest[i / block] + offset      each operation in float32
 * </pre>
 *
 * <p>What this does not do: such scales are only read.
 */
final class NestedScales implements WeightLayout {

  private final WeightLayout inner;
  private final TensorInfo levels;
  private final TensorInfo largest;
  private final long block;
  private final float offset;

  /**
   * @param inner the layout of the stored parts; the scales are bytes
   * @param levels F32 (256)
   * @param largest F32, one for each block of scales
   * @param block scales in a block
   * @param offset added to each scale
   */
  NestedScales(
      WeightLayout inner, TensorInfo levels, TensorInfo largest, long block, float offset) {
    this.inner = inner;
    this.levels = levels;
    this.largest = largest;
    this.block = block;
    this.offset = offset;
  }

  @Override
  public List<TensorInfo> tensors() {
    List<TensorInfo> all = new ArrayList<>(inner.tensors());
    all.add(levels);
    all.add(largest);
    return all;
  }

  @Override
  public EncodedTile read(RowRange rows, Source source) throws IOException {
    EncodedTile tile = inner.read(rows, source);
    byte[] codes = tile.part(Part.SCALE);
    long first = rows.first() * (codes.length / rows.height());
    long firstBlock = first / block;
    int blocks = Math.toIntExact((first + codes.length - 1) / block - firstBlock + 1);
    ByteBuffer map = floats(source, levels, 0, Math.toIntExact(levels.shape().elements()));
    ByteBuffer factors = floats(source, largest, firstBlock, blocks);
    ByteBuffer scales =
        ByteBuffer.allocate(Math.multiplyExact(codes.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < codes.length; i++) {
      float factor = factors.getFloat((int) ((first + i) / block - firstBlock) * Float.BYTES);
      scales.putFloat(map.getFloat((codes[i] & 0xff) * Float.BYTES) * factor + offset);
    }
    return tile.with(Map.of(Part.SCALE, scales.array()));
  }

  /** {@return numbers of a tensor from the start of a buffer} */
  private static ByteBuffer floats(Source source, TensorInfo tensor, long first, int count)
      throws IOException {
    return source
        .read(tensor, first * Float.BYTES, Math.multiplyExact(count, Float.BYTES))
        .slice()
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public Writer writer(Sink sink) {
    throw new UnsupportedOperationException("scales that are quantized themselves are only read");
  }
}

package dev.monoquant.spi;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Formula;
import java.nio.ByteBuffer;

/**
 * Decodes columns that are divided by factors: first as float32 without the division, as {@link
 * Formula.Divided} defines it. Immutable and thread-safe.
 */
final class DividedDecoder implements TileDecoder {

  private final EncodedWeight weight;
  private final String factors;
  private final TileDecoder inner;

  DividedDecoder(EncodedWeight weight, Formula.Divided formula) {
    this.weight = weight;
    this.factors = formula.factors();
    WeightMatrix matrix = weight.matrix();
    TensorInfo wide =
        new TensorInfo(matrix.tensor().name(), ElementType.FLOAT32, matrix.tensor().shape());
    this.inner =
        new FormulaDecoder(
            new EncodedWeight(
                new WeightMatrix(
                    matrix.layer(), matrix.kind(), matrix.param(), wide, matrix.rowAxis()),
                weight.scheme(),
                weight.options(),
                weight.encoding().undivided()));
  }

  @Override
  public void decode(EncodedTile tile, float[] out) {
    inner.decode(tile, out);
    int cols = Math.toIntExact(weight.matrix().columnCount());
    float[] by = weight.encoding().part(factors).toFloats(tile.part(factors));
    int count = Math.multiplyExact(tile.height(), cols);
    for (int i = 0; i < count; i++) {
      out[i] /= by[i % cols];
    }
    ElementType type = weight.matrix().tensor().type();
    if (type != ElementType.FLOAT32) {
      byte[] bytes = new byte[Math.multiplyExact(count, type.cellBytes())];
      FloatBytes.narrow(type, out, 0, count, bytes, 0);
      FloatBytes.widen(type, ByteBuffer.wrap(bytes), out, 0, count);
    }
  }
}

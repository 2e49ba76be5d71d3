package dev.monoquant.spi;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Formula;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Divides decoded columns by factors: a weight is decoded first as float32 without the division, as
 * {@link Formula.Divided} defines it. Immutable and thread-safe.
 *
 * @param weight the weight
 * @param factors the name of the part with the factors
 */
record ColumnDivision(EncodedWeight weight, String factors) {

  /** {@return the division of a weight; empty if its columns have no factors} */
  static Optional<ColumnDivision> of(EncodedWeight weight) {
    return weight.encoding().formula() instanceof Formula.Divided divided
        ? Optional.of(new ColumnDivision(weight, divided.factors()))
        : Optional.empty();
  }

  /** {@return the weight to decode before the division, in float32} */
  EncodedWeight undivided() {
    WeightMatrix matrix = weight.matrix();
    TensorInfo wide =
        new TensorInfo(matrix.tensor().name(), ElementType.FLOAT32, matrix.tensor().shape());
    return new EncodedWeight(
        new WeightMatrix(matrix.layer(), matrix.kind(), matrix.param(), wide, matrix.rowAxis()),
        weight.scheme(),
        weight.options(),
        weight.encoding().undivided());
  }

  /** Divides the decoded values of a tile, and rounds them to the type of the weight. */
  void divide(EncodedTile tile, float[] out) {
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

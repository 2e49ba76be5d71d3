package dev.monoquant.schemes;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import dev.monoquant.ValidationException;
import dev.monoquant.model.BFloat16;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Tile;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * Rounds to the nearest number of the target type, ties to even; refuses what would become
 * infinite.
 *
 * @param tensor the weight's name, quoted
 * @param source the weight's own type
 * @param target FLOAT16 or BFLOAT16
 * @param torch whether to cast by a tensor operation; only to FLOAT16
 */
record CastQuantizer(String tensor, ElementType source, ElementType target, boolean torch)
    implements TileQuantizer {

  @Override
  public EncodedTile quantize(Tile tile) {
    int count = Math.multiplyExact(tile.height(), tile.cols());
    byte[] bytes = torch ? castByTorch(tile) : cast(tile, count);
    return EncodedTile.of(tile, Map.of(CastScheme.VALUES, bytes));
  }

  private byte[] cast(Tile tile, int count) {
    byte[] bytes = new byte[count * target.cellBytes()];
    int overflow = FloatBytes.narrow(target, tile.values(), 0, count, bytes, 0);
    if (overflow != FloatBytes.NONE || overflowsInItsOwnType(tile.values(), count)) {
      refuseBeyond(tile, count);
    }
    return bytes;
  }

  private boolean overflowsInItsOwnType(float[] values, int count) {
    return source == ElementType.FLOAT16
        && target == ElementType.BFLOAT16
        && BFloat16.round(AffineKernels.absMax(values, 0, count)) > Float16.MAX_VALUE;
  }

  private byte[] castByTorch(Tile tile) {
    try (NDArray half = tile.array().toType(DataType.FLOAT16, true);
        NDArray infinite = half.isInfinite();
        NDArray any = infinite.any()) {
      if (any.getBoolean()) {
        refuseBeyond(tile, tile.height() * tile.cols());
      }
      ByteBuffer buffer = half.toByteBuffer();
      byte[] bytes = new byte[buffer.remaining()];
      buffer.get(bytes);
      return bytes;
    }
  }

  /**
   * A number must stay finite in the target type, and as a number of the weight's own type: 65504
   * of FLOAT16 is nearest to 65536 in BFLOAT16, which FLOAT16 does not have.
   */
  private void refuseBeyond(Tile tile, int count) {
    Precision to = Precision.of(target);
    Precision from = Precision.of(source);
    int beyond = 0;
    int first = 0;
    float[] values = tile.values();
    for (int i = 0; i < count; i++) {
      if (!Float.isFinite(from.round(to.round(values[i]))) && beyond++ == 0) {
        first = i;
      }
    }
    if (beyond > 0) {
      throw new ValidationException(
          String.format(
              "tensor %s: %d of the %d numbers in rows %d to %d cannot be cast from %s to %s, the"
                  + " first, %s, at row %d, column %d. Keep this weight, or %s",
              tensor,
              beyond,
              count,
              tile.firstRow(),
              tile.firstRow() + tile.height() - 1,
              source.wire(),
              target.wire(),
              values[first],
              tile.firstRow() + first / tile.cols(),
              first % tile.cols(),
              target == ElementType.FLOAT16
                  ? "cast it to bfloat16; the greatest F16 is " + Float16.MAX_VALUE
                  : "choose another scheme"));
    }
  }
}

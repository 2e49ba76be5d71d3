package dev.monoquant.schemes;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.tile.EncodedTile;
import java.nio.ByteBuffer;

/**
 * Half the distance between numbers of the target type at the greatest of a row.
 *
 * @param source the weight's own type
 * @param target the type of the values, of 16 bits
 * @param cols columns of the weight
 */
record CastErrorBound(ElementType source, ElementType target, int cols) implements ErrorBound {

  @Override
  public double of(EncodedTile tile, int row) {
    if (source == target) {
      return 0;
    }
    byte[] bytes = tile.part(CastScheme.VALUES);
    int greatest = 0;
    for (int i = 2 * row * cols; i < 2 * (row + 1) * cols; i += 2) {
      greatest = Math.max(greatest, ((bytes[i + 1] & 0x7F) << 8) | (bytes[i] & 0xFF));
    }
    byte[] one = {(byte) greatest, (byte) (greatest >> 8)};
    float[] value = new float[1];
    FloatBytes.widen(target, ByteBuffer.wrap(one), value, 0, 1);
    double above = Math.nextUp((double) value[0]);
    double bound = Precision.of(target).halfStep(above);
    return source == ElementType.FLOAT64 ? bound + Precision.FLOAT32.halfStep(2 * above) : bound;
  }
}

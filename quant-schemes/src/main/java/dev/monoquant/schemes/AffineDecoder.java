package dev.monoquant.schemes;

import dev.monoquant.model.FloatBytes;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.QuantizedTile;
import java.nio.ByteBuffer;

/** Codes back to numbers: (code - zero point) * scale, rounded to the precision of the weight. */
final class AffineDecoder implements TileDecoder {

  private final AffineSpec spec;

  AffineDecoder(AffineSpec spec) {
    this.spec = spec;
  }

  @Override
  public void decode(QuantizedTile tile, float[] out) {
    Precision precision = spec.precision();
    byte[] codes = tile.part(Part.CODES);
    float[] scales = scales(tile);
    int blockCols = spec.blockCols();
    int count = Math.multiplyExact(tile.height(), Math.toIntExact(spec.cols()));
    for (int i = 0; i < count; i++) {
      int block = spec.perTensor() ? 0 : i / blockCols;
      int zero = spec.symmetric() ? 0 : tile.part(Part.ZERO_POINT)[block];
      out[i] = precision.round((codes[i] - zero) * scales[block]);
    }
  }

  private float[] scales(QuantizedTile tile) {
    byte[] bytes = tile.part(Part.SCALE);
    float[] scales = new float[bytes.length / spec.precision().type().cellBytes()];
    FloatBytes.widen(
        spec.precision().type(), ByteBuffer.wrap(bytes), scales, 0, scales.length);
    return scales;
  }
}

package dev.monoquant.schemes;

import dev.monoquant.model.FloatBytes;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.QuantizedTile;
import dev.monoquant.tile.Tile;
import dev.monoquant.spi.TileQuantizer;
import java.util.HashMap;
import java.util.Map;

/** Integer codes by plain loops. */
final class JvmAffineQuantizer implements TileQuantizer {

  private final AffineSpec spec;
  private final AffineTensorParts whole;

  JvmAffineQuantizer(AffineSpec spec, AffineTensorParts whole) {
    this.spec = spec;
    this.whole = whole;
  }

  @Override
  public Map<String, byte[]> tensorParts() {
    return whole.bytes();
  }

  @Override
  public QuantizedTile quantize(Tile tile) {
    int cols = tile.cols();
    int blockCols = spec.blockCols();
    int blocks = spec.blocks();
    float[] values = tile.values();
    byte[] codes = new byte[Math.multiplyExact(tile.height(), cols)];
    float[] scales = new float[tile.height() * blocks];
    byte[] zeroPoints = new byte[scales.length];
    for (int row = 0; row < tile.height(); row++) {
      for (int block = 0; block < blocks; block++) {
        int at = row * cols + block * blockCols;
        AffineParameters chosen = whole.parameters();
        if (chosen == null) {
          chosen = range(values, at, blockCols, tile.firstRow() + row, block);
        }
        scales[row * blocks + block] = chosen.scale();
        zeroPoints[row * blocks + block] = (byte) chosen.zeroPoint();
        encode(values, at, blockCols, chosen, codes);
      }
    }
    Map<String, byte[]> parts = new HashMap<>();
    parts.put(Part.CODES, codes);
    if (whole.parameters() == null) {
      byte[] bytes = new byte[scales.length * spec.precision().type().cellBytes()];
      FloatBytes.narrow(spec.precision().type(), scales, 0, scales.length, bytes, 0);
      parts.put(Part.SCALE, bytes);
      if (!spec.symmetric()) {
        parts.put(Part.ZERO_POINT, zeroPoints);
      }
    }
    return QuantizedTile.of(tile, parts);
  }

  private AffineParameters range(float[] values, int at, int count, long row, int block) {
    float min = values[at];
    float max = values[at];
    for (int i = at + 1; i < at + count; i++) {
      min = Math.min(min, values[i]);
      max = Math.max(max, values[i]);
    }
    return AffineParameters.of(spec, min, max, () -> "row " + row + ", group " + block);
  }

  private void encode(float[] values, int at, int count, AffineParameters chosen, byte[] codes) {
    Precision precision = spec.precision();
    for (int i = at; i < at + count; i++) {
      float level =
          precision.round(precision.round(values[i] / chosen.scale()) + chosen.zeroPoint());
      float clamped = Math.min(Math.max(level, spec.minCode()), spec.maxCode());
      codes[i] = (byte) Math.rint(clamped);
    }
  }
}

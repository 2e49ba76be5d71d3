package dev.monoquant.schemes;

import dev.monoquant.spi.TileDecoder;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;

/** Codes back to numbers: (code - zero point) * scale, rounded to the precision of the weight. */
final class AffineDecoder implements TileDecoder {

  private final AffineSpec spec;

  AffineDecoder(AffineSpec spec) {
    this.spec = spec;
  }

  @Override
  public void decode(EncodedTile tile, float[] out) {
    byte[] codes = tile.part(Part.CODES);
    BlockParameters parameters = BlockParameters.of(spec, tile);
    boolean comfortable = parameters.areComfortable();
    int cols = Math.toIntExact(spec.cols());
    int chunk = Math.min(cols, AffineKernels.CHUNK);
    float[] v = new float[chunk];
    float[] scale = new float[chunk];
    float[] zero = new float[chunk];
    for (int row = 0; row < tile.height(); row++) {
      for (int col = 0; col < cols; col += chunk) {
        int count = Math.min(chunk, cols - col);
        int at = row * cols + col;
        AffineKernels.widen(codes, at, count, v);
        parameters.spreadScales(row, col, count, scale);
        if (!spec.symmetric()) {
          parameters.spreadZeroPoints(row, col, count, zero);
        }
        if (spec.precision() == Precision.FLOAT32) {
          AffineKernels.products(v, scale, zero, count);
        } else if (comfortable) {
          AffineKernels.products(v, scale, zero, count, spec.precision().step());
        } else {
          roundedProducts(v, scale, zero, count);
        }
        System.arraycopy(v, 0, out, at, count);
      }
    }
  }

  @Override
  public double errorBound(EncodedTile tile, int row) {
    return AffineErrorBound.of(spec, BlockParameters.greatestScale(spec, tile, row));
  }

  private void roundedProducts(float[] v, float[] scale, float[] zero, int count) {
    for (int i = 0; i < count; i++) {
      v[i] = spec.precision().round((v[i] - zero[i]) * scale[i]);
    }
  }
}

package dev.monoquant.schemes;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.IntegerCodes;
import dev.monoquant.model.Kernels;
import dev.monoquant.schemes.AffineSpec.AffineParameters;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Tile;
import java.util.Map;
import java.util.Optional;

/** Computes integer codes in plain loops; {@link AffineKernels} describes why they are fast. */
final class JvmAffineQuantizer implements TileQuantizer {

  /** Columns of a block that are worth a call. */
  private static final int SHORT = 32;

  private final AffineSpec spec;
  private final BlockGrid grid;
  private final AffineTensorParts whole;
  private final Calibrated calibrated;

  JvmAffineQuantizer(AffineSpec spec, AffineTensorParts whole, Calibrated calibrated) {
    this.spec = spec;
    this.calibrated = calibrated;
    this.grid = BlockGrid.of(spec);
    this.whole = whole;
  }

  @Override
  public Map<String, byte[]> tensorParts() {
    return whole.bytes();
  }

  @Override
  public Optional<String> warning() {
    return calibrated.warning();
  }

  @Override
  public EncodedTile quantize(Tile tile) {
    BlockParameters parameters = parameters(tile);
    InputFactor factor = calibrated.factor();
    byte[] codes =
        factor == null
            ? nearest(tile, parameters)
            : FeedbackRounding.round(
                factor, tile, (col, v, column) -> round(parameters, col, v, column));
    parameters.refuseInfinite(codes);
    return EncodedTile.of(tile, parameters.parts(codes));
  }

  /** Rounds a column to nearest; the values become what the codes decode to. */
  private void round(BlockParameters parameters, int col, float[] v, byte[] codes) {
    int count = v.length;
    float[] scale = new float[count];
    float[] zero = new float[count];
    for (int row = 0; row < count; row++) {
      int block = grid.block(row, col);
      scale[row] = parameters.scales()[block];
      zero[row] = parameters.zeroPoints()[block];
    }
    levels(v, scale, zero, count);
    for (int row = 0; row < count; row++) {
      float code = v[row] - AffineKernels.MAGIC;
      codes[row] = (byte) code;
      v[row] = spec.precision().round((code - zero[row]) * scale[row]);
    }
  }

  private byte[] nearest(Tile tile, BlockParameters parameters) {
    Kernels kernels = BoundKernels.current();
    float[] values = tile.values();
    byte[] codes = new byte[Math.multiplyExact(tile.height(), tile.cols())];
    if (kernels != BoundKernels.JVM && isOfOneScale()) {
      blocks(kernels, tile.height(), values, parameters, codes);
    } else {
      chunks(kernels, tile.height(), values, parameters, codes);
    }
    return codes;
  }

  /** Whether codes follow from the scale of their block as {@link Kernels#integerCodes} says. */
  private boolean isOfOneScale() {
    return spec.profile() == AffineSpec.Profile.COMPRESSED_TENSORS
        && spec.search() != Search.HQQ
        && (grid.single() || grid.blockCols() >= SHORT);
  }

  /** Block by block. */
  private void blocks(
      Kernels kernels, int height, float[] values, BlockParameters parameters, byte[] codes) {
    float step = spec.precision().step();
    int width = grid.single() ? grid.cols() : grid.blockCols();
    for (int row = 0; row < height; row++) {
      for (int col = 0; col < grid.cols(); col += width) {
        int block = grid.block(row, col);
        IntegerCodes how =
            new IntegerCodes(
                parameters.scales()[block],
                parameters.zeroPoints()[block],
                step,
                spec.minCode(),
                spec.maxCode());
        int at = row * grid.cols() + col;
        kernels.integerCodes(values, at, Math.min(width, grid.cols() - col), how, codes, at);
      }
    }
  }

  /** Many values at a time, each with the scale of its block. */
  private void chunks(
      Kernels kernels, int height, float[] values, BlockParameters parameters, byte[] codes) {
    int cols = grid.cols();
    int chunk = Math.min(cols, AffineKernels.CHUNK);
    float[] v = new float[chunk];
    float[] scale = new float[chunk];
    float[] zero = new float[chunk];
    for (int row = 0; row < height; row++) {
      for (int col = 0; col < cols; col += chunk) {
        int count = Math.min(chunk, cols - col);
        int at = row * cols + col;
        System.arraycopy(values, at, v, 0, count);
        parameters.spreadScales(row, col, count, scale);
        if (!spec.symmetric()) {
          parameters.spreadZeroPoints(row, col, count, zero);
        }
        levels(v, scale, zero, count);
        kernels.lowBytes(v, count, codes, at);
      }
    }
  }

  private BlockParameters parameters(Tile tile) {
    AffineParameters one = whole.parameters();
    if (one != null) {
      return BlockParameters.of(spec, grid, tile, one);
    }
    BlockRanges ranges = BlockRanges.of(spec, grid, tile.values(), tile.height());
    return spec.search() == Search.HQQ
        ? BlockParameters.refined(spec, grid, tile, ranges)
        : BlockParameters.of(
            spec,
            grid,
            tile,
            RangeSearch.narrow(spec, tile.values(), tile.height(), calibrated.squares(), ranges));
  }

  private void levels(float[] v, float[] scale, float[] zero, int count) {
    if (spec.search() == Search.HQQ) {
      HqqSearch.levels(spec, v, scale, zero, count);
    } else {
      spec.profile().levels(spec, v, scale, zero, count);
    }
  }
}

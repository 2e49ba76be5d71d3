package dev.monoquant.schemes;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.schemes.AffineSpec.AffineParameters;
import dev.monoquant.schemes.AffineSpec.Profile;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Tile;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.Function;

/**
 * Computes integer codes with tensor operations, on any device and engine of DJL.
 *
 * <p>The range of each block and all operations on each value are tensor operations in float32; the
 * scale and zero point of a block are computed in Java. The precisions of float16 and bfloat16 are
 * kept by the same exact float32 arithmetic as in {@link AffineKernels}, so that no array of either
 * type is needed (a bfloat16 array crashes the JVM in DJL).
 *
 * <p>Only for the formulas of compressed-tensors without a search, and blocks of one row that
 * divide it, see {@link #can}.
 *
 * <p>Works within the tile's own array, which is a private copy, and closes every other array it
 * makes before it returns.
 */
final class TorchAffineQuantizer implements TileQuantizer {

  private final AffineSpec spec;
  private final AffineTensorParts whole;

  TorchAffineQuantizer(AffineSpec spec, AffineTensorParts whole) {
    this.spec = spec;
    this.whole = whole;
  }

  static boolean can(AffineSpec spec) {
    return spec.profile() == Profile.COMPRESSED_TENSORS
        && spec.search() == Search.NONE
        && spec.blockRows() == 1
        && spec.cols() % spec.blockCols() == 0;
  }

  @Override
  public Map<String, byte[]> tensorParts() {
    return whole.bytes();
  }

  @Override
  public EncodedTile quantize(Tile tile) {
    NDArray array = tile.array();
    long blocks = Math.multiplyExact((long) tile.height(), spec.blocks());
    try (NDManager scope = array.getManager().newSubManager();
        // A view: writes to it change the tile.
        NDArray v = array.reshape(blocks, spec.blockCols())) {
      BlockParameters parameters = parameters(tile, v);
      Shape column = new Shape(parameters.scales().length, 1);
      v.divi(scope.create(parameters.scales(), column));
      roundQuotient(v);
      if (!spec.symmetric()) {
        v.addi(scope.create(parameters.zeroPoints(), column));
      }
      byte[] codes = codes(v);
      parameters.refuseInfinite(codes);
      return EncodedTile.of(tile, parameters.parts(codes));
    }
  }

  private BlockParameters parameters(Tile tile, NDArray v) {
    AffineParameters one = whole.parameters();
    if (one != null) {
      return BlockParameters.of(spec, BlockGrid.of(spec), tile, one);
    }
    float[] least = TorchRange.least(v);
    return BlockParameters.of(
        spec, BlockGrid.of(spec), tile, new BlockRanges(least, TorchRange.greatest(v), least));
  }

  /** Rounds x/s to the digits of the precision, in place. */
  private void roundQuotient(NDArray quotient) {
    if (spec.precision() == Precision.FLOAT32) {
      return;
    }
    try (NDArray high = quotient.mul(spec.precision().step() + 1)) {
      quotient.subi(high).addi(high);
    }
  }

  private byte[] codes(NDArray levels) {
    // Clamped before the cast: a cast to a byte wraps. DJL's clip takes twice the time of these
    // two.
    try (NDArray high = levels.minimum(spec.maxCode());
        NDArray clamped = high.maximum(spec.minCode())) {
      if (!spec.symmetric() && spec.precision() != Precision.FLOAT32) {
        try (NDArray shifted = clamped.mul(spec.precision().step())) {
          clamped.addi(shifted).subi(shifted);
        }
      }
      // Torch rounds ties to even.
      try (NDArray integers = clamped.round();
          NDArray bytes = integers.toType(DataType.INT8, false)) {
        // The array's own memory, which is read before the array is closed.
        ByteBuffer buffer = bytes.toByteBuffer(true);
        byte[] codes = new byte[buffer.remaining()];
        buffer.get(codes);
        return codes;
      }
    }
  }

  /**
   * The minimum and maximum of each row of an array, NaN if the row contains one.
   *
   * <p>DJL reduces along an axis with the operation that also returns indices, which torch does not
   * vectorize. Rows are therefore folded first: their halves are compared with each other, which
   * torch vectorizes, until few columns are left. Comparisons do not round, so the result is the
   * same.
   */
  private static final class TorchRange {

    /** Number of columns below which folding does not pay. */
    private static final long FEW = 128;

    private static final int[] COLS = {1};

    private TorchRange() {}

    static float[] least(NDArray rows) {
      return fold(rows, NDArray::minimum, last -> last.min(COLS));
    }

    static float[] greatest(NDArray rows) {
      return fold(rows, NDArray::maximum, last -> last.max(COLS));
    }

    private static float[] fold(
        NDArray rows, BinaryOperator<NDArray> compare, Function<NDArray, NDArray> reduce) {
      NDArray folded = rows;
      try {
        while (folded.getShape().get(1) > FEW && folded.getShape().get(1) % 2 == 0) {
          try (NDList halves = folded.split(2, 1)) {
            NDArray next = compare.apply(halves.get(0), halves.get(1));
            closeUnless(folded, rows);
            folded = next;
          }
        }
        try (NDArray last = reduce.apply(folded)) {
          return last.toFloatArray();
        }
      } finally {
        closeUnless(folded, rows);
      }
    }

    private static void closeUnless(NDArray array, NDArray given) {
      if (array != given) {
        array.close();
      }
    }
  }
}

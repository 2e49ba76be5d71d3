package dev.monoquant.schemes;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.model.BFloat16;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.CellChecks;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/** Casts to a floating point type of 16 bits, which the subclasses define. */
abstract class CastScheme implements Scheme {

  /** The only part. */
  static final String VALUES = "values";

  private final SchemeId id;
  private final ElementType target;
  private final List<OptionSpec<?>> options;

  CastScheme(String name, ElementType target) {
    this.id = new SchemeId(name, 1);
    this.target = target;
    // A cast has neither zero points nor scales, so it accepts any setting for them.
    this.options =
        List.of(
            CommonOptions.bits(target.bits()),
            CommonOptions.symmetric(true, false),
            CommonOptions.granularity("tensor", "channel", "group:N", "block:RxC"),
            CommonOptions.profile(CommonOptions.COMPRESSED_TENSORS));
  }

  @Override
  public final SchemeId id() {
    return id;
  }

  @Override
  public final List<OptionSpec<?>> options() {
    return options;
  }

  @Override
  public final Fit fit(WeightMatrix weight, OptionValues options) {
    return SchemeChecks.unfit(weight)
        .orElseGet(() -> Fit.of(Encoding.cast(Part.perElement(VALUES, target))));
  }

  @Override
  public final TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    return new CastQuantizer(
        QuantException.quote(weight.tensor().name()),
        weight.tensor().type(),
        target,
        compute == Compute.TORCH && target == ElementType.FLOAT16);
  }

  @Override
  public final ErrorBound bound(WeightMatrix weight, OptionValues options) {
    return new CastErrorBound(
        weight.tensor().type(), target, Math.toIntExact(weight.columnCount()));
  }

  /**
   * Half the distance between values of the target type at the largest magnitude of a row.
   *
   * @param source the weight's own type
   * @param target the type of the values, of 16 bits
   * @param cols columns of the weight
   */
  private record CastErrorBound(ElementType source, ElementType target, int cols)
      implements ErrorBound {

    @Override
    public double of(EncodedTile tile, int row) {
      if (source == target) {
        return 0;
      }
      byte[] bytes = tile.part(CastScheme.VALUES);
      int greatest = CellChecks.greatestMagnitude(bytes, 2 * row * cols, 2 * (row + 1) * cols);
      byte[] one = {(byte) greatest, (byte) (greatest >> 8)};
      float[] value = new float[1];
      FloatBytes.widen(target, ByteBuffer.wrap(one), value, 0, 1);
      double above = Math.nextUp((double) value[0]);
      double bound = Precision.of(target).halfStep(above);
      return source == ElementType.FLOAT64 ? bound + Precision.FLOAT32.halfStep(2 * above) : bound;
    }
  }

  /**
   * Rounds to the nearest value of the target type, ties to even; refuses values that would become
   * infinite.
   *
   * @param tensor the weight's name, quoted
   * @param source the weight's own type
   * @param target FLOAT16 or BFLOAT16
   * @param torch whether to cast by a tensor operation; only to FLOAT16
   */
  private record CastQuantizer(String tensor, ElementType source, ElementType target, boolean torch)
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
          && BFloat16.round(BoundKernels.current().absMax(values, 0, count)) > Float16.MAX_VALUE;
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
     * A value must stay finite in the target type and in the weight's type: the BFLOAT16 value
     * nearest to 65504 of FLOAT16 is 65536, which is out of the range of FLOAT16.
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
}

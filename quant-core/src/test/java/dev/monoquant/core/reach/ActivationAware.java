package dev.monoquant.core.reach;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Columns that meet large activations get finer steps, by statistics that the caller measured. */
final class ActivationAware extends ReachScheme {

  static final OptionSpec<Double> ALPHA =
      OptionSpec.number("alpha", 0.3, 0, 1, "How much the activations count");

  private static final String COLUMN_SCALE = "column_scale";

  ActivationAware() {
    super("aware", 4, true, "channel", List.of(ALPHA));
  }

  @Override
  Encoding parts(WeightMatrix rows, OptionValues options) {
    TensorShape columns = TensorShape.of(rows.columnCount());
    return Encoding.opaque(
        Part.perElement(Part.CODES, ElementType.INT4),
        Part.perRow(Part.SCALE, ElementType.FLOAT32),
        new Part(COLUMN_SCALE, ElementType.FLOAT32, new Part.Whole(columns)));
  }

  @Override
  public Set<Need> needs(OptionValues options) {
    return Set.of(Need.INPUT_SQUARES);
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    float[] scales = new float[Math.toIntExact(rows.columnCount())];
    Arrays.fill(scales, 1);
    scales = facts.inputSquares().orElse(scales);
    for (int c = 0; c < scales.length; c++) {
      double scale = Math.pow(scales[c], options.get(ALPHA) / 2);
      scales[c] = (float) Math.max(1e-4, Math.min(1e4, scale));
    }
    return new Worker(scales);
  }

  private static final class Worker implements TileQuantizer {
    private final float[] columns;

    Worker(float[] columns) {
      this.columns = columns;
    }

    @Override
    public EncodedTile quantize(Tile tile) {
      int cols = tile.cols();
      byte[] codes = new byte[tile.height() * cols];
      float[] scales = new float[tile.height()];
      for (int row = 0; row < tile.height(); row++) {
        double greatest = 0;
        for (int c = 0; c < cols; c++) {
          greatest = Math.max(greatest, Math.abs(scaled(tile, row, c)));
        }
        scales[row] = Math.min(Float.MAX_VALUE, scale(greatest, 7));
        for (int c = 0; c < cols; c++) {
          long code = (long) Math.rint(scaled(tile, row, c) / scales[row]);
          codes[row * cols + c] = (byte) clamp(code, -7, 7);
        }
      }
      return EncodedTile.of(tile, Map.of(Part.CODES, codes, Part.SCALE, bytes(scales)));
    }

    private double scaled(Tile tile, int row, int col) {
      return tile.values()[row * tile.cols() + col] * (double) columns[col];
    }

    @Override
    public Map<String, byte[]> tensorParts() {
      return Map.of(COLUMN_SCALE, bytes(columns));
    }
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    int cols = Math.toIntExact(rows.columnCount());
    return decoder(
        rows,
        (tile, r, c) ->
            tile.part(Part.CODES)[r * cols + c]
                * (double) floatAt(tile.part(Part.SCALE), r)
                / floatAt(tile.part(COLUMN_SCALE), c));
  }
}

package dev.monoquant.core.reach;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Map;
import java.util.Optional;

/** A scale for each block of rows and columns: tiles come in whole blocks. */
final class Blocks extends ReachScheme {

  Blocks() {
    super("blocks", 8, true, "block:128x128", "block:RxC");
  }

  private static Granularity.PerBlock block(OptionValues options) {
    return (Granularity.PerBlock) options.granularity();
  }

  @Override
  Encoding parts(WeightMatrix rows, OptionValues options) {
    Granularity.PerBlock block = block(options);
    return Encoding.opaque(
        Part.perElement(Part.CODES, ElementType.INT8),
        Part.perBlock(Part.SCALE, ElementType.FLOAT32, block.rows(), block.cols()));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    Granularity.PerBlock block = block(options);
    return tile -> quantize(tile, block);
  }

  private static EncodedTile quantize(Tile tile, Granularity.PerBlock block) {
    int cols = tile.cols();
    float[] x = tile.values();
    int across = cells(cols, block.cols());
    float[] scales = new float[cells(tile.height(), block.rows()) * across];
    for (int i = 0; i < tile.height() * cols; i++) {
      int cell = i / cols / block.rows() * across + i % cols / block.cols();
      scales[cell] = Math.max(scales[cell], scale(Math.abs(x[i]), 127));
    }
    byte[] codes = new byte[tile.height() * cols];
    for (int i = 0; i < codes.length; i++) {
      int cell = i / cols / block.rows() * across + i % cols / block.cols();
      codes[i] = (byte) clamp((long) Math.rint(x[i] / (double) scales[cell]), -127, 127);
    }
    return EncodedTile.of(tile, Map.of(Part.CODES, codes, Part.SCALE, bytes(scales)));
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    Granularity.PerBlock block = block(options);
    int cols = Math.toIntExact(rows.columnCount());
    int across = cells(cols, block.cols());
    return decoder(
        rows,
        (tile, r, c) ->
            tile.part(Part.CODES)[r * cols + c]
                * (double)
                    floatAt(tile.part(Part.SCALE), r / block.rows() * across + c / block.cols()));
  }
}

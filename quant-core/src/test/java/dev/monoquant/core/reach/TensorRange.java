package dev.monoquant.core.reach;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** One scale for the tensor, from its range: a pre-pass over all numbers. */
final class TensorRange extends ReachScheme {

  TensorRange() {
    super("range", 8, true, "tensor");
  }

  @Override
  Encoding parts(WeightMatrix rows, OptionValues options) {
    return Encoding.opaque(
        Part.perElement(Part.CODES, ElementType.INT8),
        Part.perTensor(Part.SCALE, ElementType.FLOAT32));
  }

  @Override
  public Set<Need> needs(OptionValues options) {
    return Set.of(Need.TENSOR_RANGE);
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    Facts.Range range = facts.range();
    return new Worker(scale(Math.max(-(double) range.min(), range.max()), 127));
  }

  private record Worker(float scale) implements TileQuantizer {
    @Override
    public EncodedTile quantize(Tile tile) {
      byte[] codes = new byte[tile.height() * tile.cols()];
      for (int i = 0; i < codes.length; i++) {
        codes[i] = (byte) clamp((long) Math.rint(tile.values()[i] / (double) scale), -127, 127);
      }
      return EncodedTile.of(tile, Map.of(Part.CODES, codes));
    }

    @Override
    public Map<String, byte[]> tensorParts() {
      return Map.of(Part.SCALE, bytes(scale));
    }
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    int cols = Math.toIntExact(rows.columnCount());
    return decoder(
        rows,
        (tile, r, c) ->
            tile.part(Part.CODES)[r * cols + c] * (double) floatAt(tile.part(Part.SCALE), 0));
  }
}

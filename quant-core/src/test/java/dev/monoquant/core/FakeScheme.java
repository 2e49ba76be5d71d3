package dev.monoquant.core;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Fixed point: codes are 64 x, rounded; right for numbers within -2 to 2. Overridable where a test
 * wants a fault.
 */
public class FakeScheme implements Scheme {

  /** Makes one. */
  public FakeScheme() {}

  @Override
  public SchemeId id() {
    return new SchemeId("fake", 1);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return List.of(
        CommonOptions.bits(8),
        CommonOptions.symmetric(true),
        CommonOptions.granularity("tensor", "channel", "group:N"),
        CommonOptions.profile(CommonOptions.COMPRESSED_TENSORS));
  }

  @Override
  public Fit fit(WeightMatrix rows, OptionValues options) {
    return Fit.raggedGroups(rows, options)
        .orElse(Fit.of(Encoding.opaque(Part.perElement(Part.CODES, ElementType.INT8))));
  }

  @Override
  public Set<Need> needs(OptionValues options) {
    return Set.of();
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    return tile -> EncodedTile.of(tile, Map.of(Part.CODES, codes(tile)));
  }

  static byte[] codes(Tile tile) {
    float[] values = tile.values();
    byte[] codes = new byte[tile.height() * tile.cols()];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) Math.rint(values[i] * 64);
    }
    return codes;
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    return Optional.of(
        (tile, out) -> {
          byte[] codes = tile.part(Part.CODES);
          for (int i = 0; i < codes.length; i++) {
            out[i] = codes[i] / 64f;
          }
        });
  }

  @Override
  public ErrorBound bound(WeightMatrix rows, OptionValues options) {
    return (tile, row) -> 1 / 128.0;
  }
}

package dev.monoquant.core;

import dev.monoquant.ConfigurationException;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
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
  public Options defaults(WeightMatrix rows) {
    return new Options(8, true, Granularity.TENSOR);
  }

  @Override
  public Encoding encoding(WeightMatrix rows, Options options) {
    if (!options.symmetric()) {
      throw new ConfigurationException("fake is symmetric");
    }
    return Encoding.opaque(Part.perElement(Part.CODES, ElementType.INT8));
  }

  @Override
  public Set<Need> needs(Options options) {
    return Set.of();
  }

  @Override
  public TileQuantizer begin(WeightMatrix rows, Options options, Facts facts) {
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
  public Optional<TileDecoder> decoder(WeightMatrix rows, Options options) {
    return Optional.of(
        (tile, out) -> {
          byte[] codes = tile.part(Part.CODES);
          for (int i = 0; i < codes.length; i++) {
            out[i] = codes[i] / 64f;
          }
        });
  }

  @Override
  public ErrorBound bound(WeightMatrix rows, Options options) {
    return (tile, row) -> 1 / 128.0;
  }
}

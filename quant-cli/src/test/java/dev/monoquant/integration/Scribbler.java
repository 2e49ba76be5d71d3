package dev.monoquant.integration;

import dev.monoquant.model.Rows;
import dev.monoquant.schemes.Int8Scheme;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.QuantizedTile;
import java.util.Arrays;
import java.util.Set;

/** A hostile scheme: right codes, but it writes into both views of every tile before it returns. */
final class Scribbler implements Scheme {

  private final Scheme honest = new Int8Scheme();

  @Override
  public SchemeId id() {
    return new SchemeId("test/scribbler", 1);
  }

  @Override
  public Options defaults(Rows rows) {
    return honest.defaults(rows);
  }

  @Override
  public Encoding encoding(Rows rows, Options options) {
    return honest.encoding(rows, options);
  }

  @Override
  public Set<Need> needs(Options options) {
    return honest.needs(options);
  }

  @Override
  public Set<String> optionNames() {
    return honest.optionNames();
  }

  @Override
  public TileQuantizer begin(Rows rows, Options options, Facts facts) {
    TileQuantizer quantizer = honest.begin(rows, options, facts);
    return tile -> {
      QuantizedTile codes = quantizer.quantize(tile);
      tile.array().muli(0).addi(666);
      Arrays.fill(tile.values(), -666);
      return codes;
    };
  }

  @Override
  public TileDecoder decoder(Rows rows, Options options) {
    return honest.decoder(rows, options);
  }
}

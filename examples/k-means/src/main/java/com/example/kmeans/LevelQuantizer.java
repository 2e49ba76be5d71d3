package com.example.kmeans;

import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Tile;
import java.util.Map;

/** Each number becomes the index of its nearest level. */
final class LevelQuantizer implements TileQuantizer {

  private final Levels levels;

  LevelQuantizer(Levels levels) {
    this.levels = levels;
  }

  @Override
  public EncodedTile quantize(Tile tile) {
    float[] x = tile.values();
    byte[] codes = new byte[tile.height() * tile.cols()];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) levels.nearest(x[i]);
    }
    return EncodedTile.of(tile, Map.of(Part.CODES, codes));
  }

  /** What belongs to the weight as a whole is handed out once. */
  @Override
  public Map<String, byte[]> tensorParts() {
    return Map.of(KMeans.LEVELS.name(), levels.bytes());
  }
}

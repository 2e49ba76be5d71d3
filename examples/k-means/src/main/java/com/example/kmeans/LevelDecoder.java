package com.example.kmeans;

import dev.monoquant.spi.TileDecoder;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.EncodedTile;

/** Each code becomes its level. */
final class LevelDecoder implements TileDecoder {

  @Override
  public void decode(EncodedTile tile, float[] out) {
    Levels levels = Levels.read(tile.part(KMeans.LEVELS));
    byte[] codes = tile.part(Part.CODES);
    for (int i = 0; i < codes.length; i++) {
      out[i] = levels.at(codes[i]);
    }
  }

  @Override
  public double errorBound(EncodedTile tile, int row) {
    return Levels.read(tile.part(KMeans.LEVELS)).errorBound();
  }
}

package dev.monoquant.testkit.broken;

import dev.monoquant.model.ElementType;
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
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A sound scheme with a step for each mistake to make with groups: INT8, a power of two for each 64
 * columns, fewer in the last group. All its arithmetic is exact.
 */
class ToyGroups implements Scheme {

  static final int SIZE = 64;

  @Override
  public SchemeId id() {
    return new SchemeId("acme/groups", 1);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return List.of(
        CommonOptions.bits(8),
        CommonOptions.symmetric(true),
        CommonOptions.granularity("group:" + SIZE),
        CommonOptions.profile("acme"));
  }

  @Override
  public Fit fit(WeightMatrix rows, OptionValues options) {
    return Fit.of(encoding(rows, options));
  }

  Encoding encoding(WeightMatrix rows, OptionValues options) {
    return Encoding.opaque(
        Part.perElement(Part.CODES, ElementType.INT8),
        Part.perGroup(Part.SCALE, ElementType.FLOAT32, SIZE));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
    return this::quantize;
  }

  private EncodedTile quantize(Tile tile) {
    Toy toy = new Toy();
    float[] x = tile.values();
    int cols = tile.cols();
    byte[] codes = new byte[tile.height() * cols];
    int groups = groups(cols);
    byte[] scales = new byte[tile.height() * groups * Float.BYTES];
    for (int i = 0; i < tile.height() * groups; i++) {
      int from = i / groups * cols + i % groups * SIZE;
      int to = Math.min(from + SIZE, (i / groups + 1) * cols);
      float greatest = 0;
      for (int at = from; at < to; at++) {
        greatest = Math.max(greatest, Math.abs(x[at]));
      }
      float scale = toy.scale(-greatest, greatest, true);
      Toy.little(scales).putFloat(i * Float.BYTES, scale);
      for (int at = from; at < to; at++) {
        codes[at] = toy.code(x[at] / (double) scale, 0);
      }
    }
    return EncodedTile.of(tile, Map.of(Part.CODES, codes, Part.SCALE, scales));
  }

  static int groups(int cols) {
    return (cols + SIZE - 1) / SIZE;
  }

  /** Which of a row's scales a column has. */
  int group(int col, int cols) {
    return col / SIZE;
  }

  @Override
  public Optional<TileDecoder> decoder(WeightMatrix rows, OptionValues options) {
    int cols = Math.toIntExact(rows.columnCount());
    float greatest = Toy.greatest(rows.tensor().type());
    return Optional.of(
        (tile, out) -> {
          byte[] codes = tile.part(Part.CODES);
          for (int i = 0; i < codes.length; i++) {
            int scale = i / cols * groups(cols) + group(i % cols, cols);
            float x = codes[i] * Toy.scaleOf(tile, scale);
            out[i] = Math.max(-greatest, Math.min(greatest, x));
          }
        });
  }

  @Override
  public ErrorBound bound(WeightMatrix rows, OptionValues options) {
    int groups = groups(Math.toIntExact(rows.columnCount()));
    return (tile, row) -> {
      double bound = 0;
      for (int group = 0; group < groups; group++) {
        bound = Math.max(bound, Toy.scaleOf(tile, row * groups + group) / 2.0);
      }
      return bound;
    };
  }
}

package dev.monoquant.testkit.example;

import com.google.auto.service.AutoService;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
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
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.List;
import java.util.Map;

/**
 * INT8 with a power of two for each row, or for each group of columns in it, so that decoding is a
 * shift: code = x / 2^e, half to even, with the least e that keeps all codes within -127 and 127.
 * The last group of a row holds what remains.
 */
@AutoService(Scheme.class)
public final class PowerOfTwo implements Scheme {

  private static final Part CODES = Part.perElement(Part.CODES, ElementType.INT8);
  private static final Part ROW_SCALE = Part.perRow(Part.SCALE, ElementType.FLOAT32);

  @Override
  public SchemeId id() {
    return new SchemeId("acme/pow2", 1);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return List.of(
        CommonOptions.bits(8),
        CommonOptions.symmetric(true),
        CommonOptions.granularity("channel", "group:N"),
        CommonOptions.profile("acme"));
  }

  @Override
  public Fit fit(WeightMatrix weight, OptionValues options) {
    return Fit.of(
        options.granularity() instanceof Granularity.PerGroup group
            ? Encoding.of(CODES, Part.perGroup(Part.SCALE, ElementType.FLOAT32, group.size()))
            : Encoding.of(CODES, ROW_SCALE));
  }

  @Override
  public TileQuantizer begin(
      WeightMatrix weight, OptionValues options, Facts facts, Compute compute) {
    int size = Math.toIntExact(options.granularity().columns(weight.cols()));
    return tile -> quantize(tile, size);
  }

  private static EncodedTile quantize(Tile tile, int size) {
    float[] x = tile.values();
    int cols = tile.cols();
    int groups = (cols + size - 1) / size;
    byte[] codes = new byte[tile.height() * cols];
    float[] scales = new float[tile.height() * groups];
    for (int g = 0; g < scales.length; g++) {
      int from = g / groups * cols + g % groups * size;
      int to = Math.min(from + size, (g / groups + 1) * cols);
      scales[g] = scale(x, from, to);
      for (int i = from; i < to; i++) {
        codes[i] = (byte) Math.rint(x[i] / scales[g]);
      }
    }
    return EncodedTile.of(tile, Map.of(Part.CODES, codes, Part.SCALE, ROW_SCALE.toBytes(scales)));
  }

  private static float scale(float[] x, int from, int to) {
    float greatest = 0;
    for (int i = from; i < to; i++) {
      greatest = Math.max(greatest, Math.abs(x[i]));
    }
    float scale = Math.scalb(1f, Math.getExponent(greatest) - 6);
    return greatest / scale < 127.5f ? scale : 2 * scale;
  }

  @Override
  public TileDecoder decoder(WeightMatrix weight, OptionValues options) {
    int cols = Math.toIntExact(weight.cols());
    int size = Math.toIntExact(options.granularity().columns(cols));
    return new Decoder(cols, size, (cols + size - 1) / size, weight.tensor().type().maxValue());
  }

  private record Decoder(int cols, int size, int groups, float greatest) implements TileDecoder {
    @Override
    public void decode(EncodedTile tile, float[] out) {
      byte[] codes = tile.part(Part.CODES);
      float[] scales = ROW_SCALE.toFloats(tile.part(Part.SCALE));
      for (int i = 0; i < codes.length; i++) {
        float x = codes[i] * scales[i / cols * groups + i % cols / size];
        out[i] = Math.max(-greatest, Math.min(greatest, x));
      }
    }

    @Override
    public double errorBound(EncodedTile tile, int row) {
      float[] scales = ROW_SCALE.toFloats(tile.part(Part.SCALE));
      double bound = 0;
      for (int g = row * groups; g < (row + 1) * groups; g++) {
        bound = Math.max(bound, scales[g] / 2.0);
      }
      return bound;
    }
  }
}

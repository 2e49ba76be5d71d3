package dev.monoquant.testkit.example;

import com.google.auto.service.AutoService;
import dev.monoquant.ConfigurationException;
import dev.monoquant.model.BFloat16;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;

/**
 * INT8 with a power of two for each row, so that decoding is a shift: code = x / 2^e, half to even,
 * with the least e that keeps all codes of the row within -127 and 127.
 */
@AutoService(Scheme.class)
public final class PowerOfTwo implements Scheme {

  @Override
  public SchemeId id() {
    return new SchemeId("acme/pow2", 1);
  }

  @Override
  public Options defaults(WeightMatrix rows) {
    return new Options(8, true, Granularity.CHANNEL, "acme", Compute.AUTO, Map.of());
  }

  @Override
  public Encoding encoding(WeightMatrix rows, Options options) {
    if (!options.withCompute(Compute.AUTO).equals(defaults(rows))) {
      throw new ConfigurationException(
          "acme/pow2 has 8 bits, symmetric, per channel, profile acme; not " + options);
    }
    return Encoding.opaque(
        Part.perElement(Part.CODES, ElementType.INT8),
        Part.perRow(Part.SCALE, ElementType.FLOAT32));
  }

  @Override
  public TileQuantizer begin(WeightMatrix rows, Options options, Facts facts) {
    return PowerOfTwo::quantize;
  }

  private static EncodedTile quantize(Tile tile) {
    float[] x = tile.values();
    int cols = tile.cols();
    byte[] codes = new byte[tile.height() * cols];
    byte[] scales = new byte[tile.height() * Float.BYTES];
    for (int row = 0; row < tile.height(); row++) {
      float scale = scale(x, row * cols, cols);
      little(scales).putFloat(row * Float.BYTES, scale);
      for (int i = row * cols; i < (row + 1) * cols; i++) {
        codes[i] = (byte) Math.rint(x[i] / scale);
      }
    }
    return EncodedTile.of(tile, Map.of(Part.CODES, codes, Part.SCALE, scales));
  }

  private static float scale(float[] x, int from, int count) {
    float greatest = 0;
    for (int i = from; i < from + count; i++) {
      greatest = Math.max(greatest, Math.abs(x[i]));
    }
    float scale = Math.scalb(1f, Math.getExponent(greatest) - 6);
    return greatest / scale < 127.5f ? scale : 2 * scale;
  }

  @Override
  public TileDecoder decoder(WeightMatrix rows, Options options) {
    return new Decoder(Math.toIntExact(rows.cols()), greatest(rows.tensor().type()));
  }

  private record Decoder(int cols, float greatest) implements TileDecoder {
    @Override
    public void decode(EncodedTile tile, float[] out) {
      byte[] codes = tile.part(Part.CODES);
      for (int i = 0; i < codes.length; i++) {
        float x = codes[i] * scale(tile, i / cols);
        out[i] = Math.max(-greatest, Math.min(greatest, x));
      }
    }

    @Override
    public double errorBound(EncodedTile tile, int row) {
      return scale(tile, row) / 2.0;
    }

    private static float scale(EncodedTile tile, int row) {
      return little(tile.part(Part.SCALE)).getFloat(row * Float.BYTES);
    }
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static float greatest(ElementType type) {
    return switch (type) {
      case FLOAT16 -> Float16.MAX_VALUE;
      case BFLOAT16 -> BFloat16.MAX_VALUE;
      default -> Float.MAX_VALUE;
    };
  }
}

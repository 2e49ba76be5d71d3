package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import net.jqwik.api.Example;

class Nf4SchemeTest implements FloatContract {
  @Override
  public Scheme subject() {
    return new Nf4Scheme();
  }

  /** As bitsandbytes stores it for a block of zeros. */
  @Override
  public boolean allowsZeroScales() {
    return true;
  }

  @Override
  public List<OptionValues> options(WeightMatrix rows) {
    OptionValues defaults = subject().defaults(rows);
    return List.of(defaults, defaults.with(CommonOptions.GRANULARITY, Granularity.group(32)));
  }

  /**
   * The codes, two in a byte, the even one in the high bits, and the largest magnitudes, of numbers
   * that anyone can make: hashes of what bitsandbytes 0.50.2 returns for them.
   */
  @Example
  void sameBitsAsBitsAndBytes() throws NoSuchAlgorithmException {
    assertThat(hash(ElementType.FLOAT32))
        .isEqualTo("13063b8d218e784cc50fa183f7844333cfba95fd90ad0b4037170570295a0598");
    assertThat(hash(ElementType.BFLOAT16))
        .isEqualTo("6096f191bfd76b724f5121f6bf3f08663cd4fb1c27f44c156cc36882a21917f7");
    assertThat(hash(ElementType.FLOAT16))
        .isEqualTo("325085b83b89766f087caba541bc76a227c0df5c12dba290c50250be302d3024");
  }

  private static String hash(ElementType type) throws NoSuchAlgorithmException {
    float[] values = new float[8 * 128];
    for (int i = 0; i < values.length; i++) {
      double unit = (i * 2654435761L & 0xffffffffL) * 0x1p-31 - 1;
      values[i] = i >= 64 && i < 128 ? 0 : type.round((float) Math.scalb(unit, -(i / 64 % 5)));
    }
    EncodedTile tile = quantize(type, 8, 128, values);
    byte[] codes = tile.part(Part.CODES);
    byte[] packed = new byte[codes.length / 2];
    for (int i = 0; i < packed.length; i++) {
      packed[i] = (byte) (codes[2 * i] << 4 | codes[2 * i + 1]);
    }
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    digest.update(packed);
    return HexFormat.of().formatHex(digest.digest(tile.part(Part.SCALE)));
  }

  private static EncodedTile quantize(ElementType type, int rows, int columns, float... values) {
    WeightMatrix matrix = Run.rows(type, rows, columns);
    Scheme scheme = new Nf4Scheme();
    return Run.quantize(
        scheme.begin(matrix, scheme.defaults(matrix), Facts.NONE, Compute.AUTO),
        matrix,
        values,
        rows);
  }

  /** The middle of two levels belongs to the lower one; the next number above it does not. */
  @Example
  void middlesBelongToTheLowerLevel() {
    Nf4Scheme scheme = new Nf4Scheme();
    float[] values = new float[64];
    values[0] = 1;
    byte[] table =
        scheme
            .begin(
                Run.rows(ElementType.FLOAT32, 1, 64),
                scheme.defaults(Run.rows(ElementType.FLOAT32, 1, 64)),
                Facts.NONE,
                Compute.AUTO)
            .tensorParts()
            .get("table");
    float[] levels = Part.perGroup("table", ElementType.FLOAT32, 1).toFloats(table);
    for (int i = 0; i < 15; i++) {
      float middle = (levels[i] + levels[i + 1]) / 2;
      values[2 * i + 1] = middle;
      values[2 * i + 2] = Math.nextUp(middle);
    }
    byte[] codes = quantize(ElementType.FLOAT32, 1, 64, values).part(Part.CODES);
    for (int i = 0; i < 15; i++) {
      assertThat(codes[2 * i + 1]).isEqualTo((byte) i);
      assertThat(codes[2 * i + 2]).isEqualTo((byte) (i + 1));
    }
  }
}

package dev.monoquant.schemes.ggml;

import dev.monoquant.model.ElementType;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Codes that are 4-bit floats, with an 8-bit scale for each group. */
abstract class FloatCodeScheme extends GgmlScheme {

  /** The middles of two magnitudes of 4-bit floats. */
  private static final float[] MIDDLES = {0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5};

  private static final byte NEGATIVE = 8;

  private final ElementType scales;
  private final int group;

  /**
   * @param name the name, such as {@code mxfp4}
   * @param scales the type of the scales
   * @param group columns of a group
   * @param block columns of a block
   */
  FloatCodeScheme(String name, ElementType scales, int group, int block) {
    super(name, 4, true, group, block, false);
    this.scales = scales;
    this.group = group;
  }

  @Override
  final Encoding encoding() {
    return Encoding.affine(codes(ElementType.FLOAT4), Part.perGroup(Part.SCALE, scales, group));
  }

  /**
   * {@return the bits of a scale}
   *
   * @param largest the largest magnitude of the group
   */
  abstract int scale(float largest);

  /**
   * {@return the number that a scale stands for, not negative}
   *
   * @param bits its bits
   */
  abstract float value(int bits);

  @Override
  final Map<String, byte[]> quantize(Tile tile, float @Nullable [] importance) {
    float[] x = tile.values();
    int count = tile.height() * tile.cols();
    byte[] codes = new byte[count];
    byte[] cells = new byte[count / group];
    float[] middles = new float[MIDDLES.length];
    for (int at = 0; at < count; at += group) {
      int bits = scale(Math.abs(largest(x, at, group)));
      cells[at / group] = (byte) bits;
      float value = value(bits);
      if (value > 0) {
        for (int i = 0; i < middles.length; i++) {
          // Infinite where the upper of the two magnitudes is.
          middles[i] = MIDDLES[i] * value;
        }
        choose(x, at, middles, codes);
      }
    }
    return Map.of(Part.CODES, codes, Part.SCALE, cells);
  }

  /** The nearest of the 4-bit floats, ties to zero; what becomes zero loses its sign. */
  private void choose(float[] x, int at, float[] middles, byte[] codes) {
    for (int i = at; i < at + group; i++) {
      float magnitude = Math.abs(x[i]);
      int code = 0;
      for (float middle : middles) {
        code += magnitude > middle ? 1 : 0;
      }
      codes[i] = (byte) (code > 0 && x[i] < 0 ? code + NEGATIVE : code);
    }
  }
}

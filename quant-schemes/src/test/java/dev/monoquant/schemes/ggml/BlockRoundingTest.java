package dev.monoquant.schemes.ggml;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Scheme;
import dev.monoquant.testkit.fakes.MemoryTile;
import dev.monoquant.tile.Part;
import java.util.Arrays;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** The codes of many blocks at once are those of ggml's formulas, number by number. */
class BlockRoundingTest {

  private static final int BLOCK = 32;

  @Property
  void magnitudes(@ForAll long seed, @ForAll @IntRange(min = -149, max = 8) int exponent) {
    float[] x = numbers(seed, exponent, 127);
    byte[] codes = codes(new Q80Scheme(), x);
    each(
        x,
        codes,
        at -> {
          float most = 0;
          for (int i = 0; i < BLOCK; i++) {
            most = Math.max(most, Math.abs(x[at + i]));
          }
          return Float.floatToIntBits(most / 127);
        },
        (value, inverse) -> {
          float y = value * inverse;
          return y < 0 ? -(int) (0.5 - y) : (int) (y + 0.5);
        });
  }

  @Property
  void leastCodes(@ForAll long seed, @ForAll @IntRange(min = -149, max = 8) int exponent) {
    float[] x = numbers(seed, exponent, 8);
    byte[] codes = codes(new Q40Scheme(), x);
    each(
        x,
        codes,
        at -> {
          float most = 0;
          float signed = 0;
          for (int i = 0; i < BLOCK; i++) {
            if (most < Math.abs(x[at + i])) {
              most = Math.abs(x[at + i]);
              signed = x[at + i];
            }
          }
          return Float.floatToIntBits(signed / -8);
        },
        (value, inverse) -> Math.min(15, (int) (value * inverse + 8.5f)) - 8);
  }

  /** In ggml the search for the largest magnitude starts with a zero that has no sign. */
  @Test
  void theScaleOfZerosHasTheSignOfTheRule() {
    float[] zeros = new float[BLOCK];
    Arrays.fill(zeros, -0f);
    assertThat(part(new Q40Scheme(), zeros, Part.SCALE)).containsExactly(0, 0x80);
    assertThat(part(new Q50Scheme(), zeros, Part.SCALE)).containsExactly(0, 0x80);
    assertThat(part(new Q80Scheme(), zeros, Part.SCALE)).containsExactly(0, 0);
    assertThat(part(new Q40Scheme(), new float[BLOCK], Part.SCALE)).containsExactly(0, 0x80);
  }

  private interface Code {
    int of(float value, float inverse);
  }

  private static void each(float[] x, byte[] codes, IntUnaryOperator scaleBits, Code code) {
    for (int at = 0; at < x.length; at += BLOCK) {
      float scale = Float.intBitsToFloat(scaleBits.applyAsInt(at));
      float inverse = scale == 0 ? 0 : 1 / scale;
      for (int i = at; i < at + BLOCK; i++) {
        assertThat(codes[i]).as("%s by %s", x[i], inverse).isEqualTo((byte) code.of(x[i], inverse));
      }
    }
  }

  /** More blocks than are worked on at once; halves of steps, and the floats beside them. */
  private static float[] numbers(long seed, int exponent, int most) {
    Random random = new Random(seed);
    float[] x = new float[70 * BLOCK];
    for (int i = 0; i < x.length; i++) {
      float value =
          i % BLOCK == 0 ? (random.nextBoolean() ? most : -most) : random.nextInt(2 * most) / 2f;
      float signed = random.nextBoolean() ? value : -value;
      float near =
          switch (random.nextInt(4)) {
            case 0 -> Math.nextUp(signed);
            case 1 -> Math.nextDown(signed);
            case 2 -> signed;
            default -> (float) random.nextGaussian();
          };
      x[i] = Math.scalb(i % BLOCK == 0 ? value : near, exponent);
    }
    return x;
  }

  private static byte[] codes(Scheme scheme, float[] x) {
    return part(scheme, x, Part.CODES);
  }

  private static byte[] part(Scheme scheme, float[] x, String name) {
    TensorInfo tensor =
        new TensorInfo("a.weight", ElementType.FLOAT32, TensorShape.of(1, x.length));
    WeightMatrix rows = new WeightMatrix("a", LayerKind.LINEAR, "weight", tensor, 0);
    try (MemoryTile tile = MemoryTile.of(rows, 0, x)) {
      return scheme
          .begin(rows, scheme.defaults(rows), Facts.NONE, Compute.AUTO)
          .quantize(tile)
          .part(name);
    }
  }
}

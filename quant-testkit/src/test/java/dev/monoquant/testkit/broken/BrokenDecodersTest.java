package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Decoders with one fault each, and the one law that must see it. */
class BrokenDecodersTest {

  /** Writes to the end of the array. Caught by {@code writesExactlyItsValues}. */
  @Test
  void decodesTooMuch() {
    Toy broken =
        new Toy() {
          @Override
          void decode(EncodedTile tile, float[] out, int cols, ElementType type) {
            Arrays.fill(out, 0);
            super.decode(tile, out, cols, type);
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("writesExactlyItsValues");
  }

  /** Does not write zeros. Caught by {@code writesExactlyItsValues}. */
  @Test
  void decodesTooLittle() {
    Toy broken =
        new Toy() {
          @Override
          void decode(EncodedTile tile, float[] out, int cols, ElementType type) {
            float[] before = out.clone();
            super.decode(tile, out, cols, type);
            for (int i = 0; i < tile.part(Part.CODES).length; i++) {
              out[i] = out[i] == 0 ? before[i] : out[i];
            }
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("writesExactlyItsValues");
  }

  /** Subtracts the zero point in the codes themselves. Caught by {@code decodingReadsOnly}. */
  @Test
  void decodesInPlace() {
    Toy broken =
        new Toy() {
          @Override
          void decode(EncodedTile tile, float[] out, int cols, ElementType type) {
            super.decode(tile, out, cols, type);
            tile.part(Part.CODES)[0]++;
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("decodingReadsOnly");
  }

  /** Decodes all rows with the first scale. Caught by {@code decodesRowsAlone}. */
  @Test
  void decodesWithOneScale() {
    Toy broken =
        new Toy() {
          @Override
          void decode(EncodedTile tile, float[] out, int cols, ElementType type) {
            byte[] scales = tile.part(Part.SCALE).clone();
            for (int row = 0; row < tile.height(); row++) {
              little(scales).putFloat(row * Float.BYTES, scaleOf(tile, 0));
            }
            super.decode(tile.with(Map.of(Part.SCALE, scales)), out, cols, type);
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("decodesRowsAlone");
  }

  /** Decodes to 65536, which is infinite as a float16. Caught by {@code decodesToItsType}. */
  @Test
  void decodesBeyondItsType() {
    Toy broken =
        new Toy() {
          @Override
          void decode(EncodedTile tile, float[] out, int cols, ElementType type) {
            super.decode(tile, out, cols, ElementType.FLOAT32);
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("decodesToItsType");
  }
}

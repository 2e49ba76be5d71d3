package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.Rows;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.QuantizedTile;
import dev.monoquant.tile.Tile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Schemes that mix up tiles, one fault each, and the one law that must see it. */
class BrokenTilesTest {

  /** Stores the scale of the row before. Caught by {@code heightDoesNotMatter}. */
  @Test
  void scaleOfAnotherRow() {
    Toy broken =
        new Toy() {
          @Override
          QuantizedTile quantize(Tile tile, boolean symmetric) {
            QuantizedTile sound = super.quantize(tile, symmetric);
            byte[] scales = sound.part(Part.SCALE).clone();
            for (int i = 0; i < scales.length; i++) {
              scales[i] = sound.part(Part.SCALE)[(i + Float.BYTES) % scales.length];
            }
            return sound.with(Map.of(Part.SCALE, scales));
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("heightDoesNotMatter");
  }

  /** Carries the range on from tile to tile. Caught by {@code orderDoesNotMatter}. */
  @Test
  void sharesStateBetweenTiles() {
    Toy broken =
        new Toy() {
          @Override
          public TileQuantizer begin(Rows rows, Options options, Facts facts) {
            float[] widest = {0, 0};
            Toy carrying =
                new Toy() {
                  @Override
                  float scale(float low, float high, boolean symmetric) {
                    synchronized (widest) {
                      widest[0] = Math.min(widest[0], low);
                      widest[1] = Math.max(widest[1], high);
                      return super.scale(widest[0], widest[1], symmetric);
                    }
                  }
                };
            return tile -> carrying.quantize(tile, true);
          }

          @Override
          public Encoding encoding(Rows rows, Options options) {
            return super.encoding(rows, options.withSymmetric(true));
          }
        };
    // Within a tile the rows above count as well, so that one tile again is another.
    assertThat(ToyCases.caught(broken)).containsExactlyInAnyOrder("orderDoesNotMatter", "repeats");
  }

  /** Takes the scale of the first tile for all. Caught by {@code orderDoesNotMatter}. */
  @Test
  void dependsOnOrder() {
    Toy broken =
        new Toy() {
          @Override
          public TileQuantizer begin(Rows rows, Options options, Facts facts) {
            float[] first = new float[1];
            Toy remembering =
                new Toy() {
                  @Override
                  QuantizedTile quantize(Tile tile, boolean symmetric) {
                    synchronized (first) {
                      if (first[0] == 0) {
                        float[] x = tile.values();
                        int all = tile.height() * tile.cols();
                        first[0] = super.scale(low(x, 0, all), high(x, 0, all), symmetric);
                      }
                    }
                    return super.quantize(tile, symmetric);
                  }

                  @Override
                  float scale(float low, float high, boolean symmetric) {
                    return first[0];
                  }
                };
            return tile -> remembering.quantize(tile, options.symmetric());
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("orderDoesNotMatter");
  }

  /** Rounds up and down by turns. Caught by {@code repeats}, where there is something to round. */
  @Test
  void changesItsMind() {
    AtomicInteger calls = new AtomicInteger();
    Toy broken =
        new Toy() {
          @Override
          QuantizedTile quantize(Tile tile, boolean symmetric) {
            double off = calls.incrementAndGet() % 2 == 0 ? 0.25 : -0.25;
            return new Toy() {
              @Override
              double round(double steps) {
                return Math.rint(steps + off);
              }
            }.quantize(tile, symmetric);
          }

          @Override
          double bound(float scale) {
            return scale;
          }
        };
    // Rows whose numbers are codes already do not show it; the numbers between two codes do.
    assertThat(ToyCases.caught(broken)).containsExactlyInAnyOrder("repeats", "tiesGoToEven");
  }

  /** Returns the buffer that the next tile is written to. Caught by {@code keepsNothing}. */
  @Test
  void reusesItsBuffers() {
    Toy broken =
        new Toy() {
          @Override
          public TileQuantizer begin(Rows rows, Options options, Facts facts) {
            Map<Integer, byte[]> buffers = new HashMap<>();
            return tile -> {
              QuantizedTile sound = quantize(tile, options.symmetric());
              synchronized (buffers) {
                byte[] codes = sound.part(Part.CODES);
                byte[] buffer = buffers.computeIfAbsent(codes.length, byte[]::new);
                System.arraycopy(codes, 0, buffer, 0, codes.length);
                return sound.with(Map.of(Part.CODES, buffer));
              }
            };
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("keepsNothing");
  }

  /** Uses its first tile as scratch space for ever. Caught by {@code keepsNothing}. */
  @Test
  void keepsItsFirstTile() {
    Toy broken =
        new Toy() {
          @Override
          public TileQuantizer begin(Rows rows, Options options, Facts facts) {
            List<float[]> scratch = new ArrayList<>();
            return tile -> {
              synchronized (scratch) {
                scratch.add(tile.values());
                QuantizedTile result = quantize(tile, options.symmetric());
                Arrays.fill(scratch.get(0), 0);
                return result;
              }
            };
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("keepsNothing");
  }

  /** Rounds the rows up to four. Caught by {@code returnsDeclaredParts}. */
  @Test
  void declaresAnotherSize() {
    Toy broken =
        new Toy() {
          @Override
          QuantizedTile quantize(Tile tile, boolean symmetric) {
            QuantizedTile sound = super.quantize(tile, symmetric);
            int rows = (tile.height() + 3) / 4 * 4;
            byte[] scales = Arrays.copyOf(sound.part(Part.SCALE), rows * Float.BYTES);
            return sound.with(Map.of(Part.SCALE, scales));
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("returnsDeclaredParts");
  }

  /** Goes through the whole array for the range. Caught by {@code readsOnlyItsNumbers}. */
  @Test
  void readsBeyondItsNumbers() {
    Toy broken =
        new Toy() {
          @Override
          float high(float[] x, int row, int cols) {
            float high = super.high(x, row, cols);
            boolean last = (row + 2) * cols > x.length || x.length % cols != 0;
            for (int i = (row + 1) * cols; last && i < x.length; i++) {
              high = Float.isNaN(x[i]) ? Float.MAX_VALUE : high;
            }
            return high;
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("readsOnlyItsNumbers");
  }
}

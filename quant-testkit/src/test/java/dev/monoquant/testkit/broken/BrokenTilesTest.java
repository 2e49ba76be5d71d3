package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.TileQuantizerLaws;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Schemes that mix up tiles, one fault each, and the one law that must see it. */
class BrokenTilesTest {

  /** Stores the scale of the row before. Caught by {@code heightDoesNotMatter}. */
  @Test
  void scaleOfAnotherRow() {
    Toy broken =
        new Toy() {
          @Override
          EncodedTile quantize(Tile tile, boolean symmetric) {
            EncodedTile sound = super.quantize(tile, symmetric);
            byte[] scales = sound.part(Part.SCALE).clone();
            for (int i = 0; i < scales.length; i++) {
              scales[i] = sound.part(Part.SCALE)[(i + Float.BYTES) % scales.length];
            }
            return sound.with(Map.of(Part.SCALE, scales));
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("heightDoesNotMatter");
  }

  /** Takes the widest scale of all tiles so far. Caught by {@code orderDoesNotMatter}. */
  @Test
  void sharesStateBetweenTiles() {
    Toy broken =
        new Toy() {
          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            float[] widest = {0, 0};
            return tile -> {
              synchronized (widest) {
                float[] x = tile.values();
                int all = tile.height() * tile.cols();
                widest[0] = Math.min(widest[0], low(x, 0, all));
                widest[1] = Math.max(widest[1], high(x, 0, all));
                return withRange(widest).quantize(tile, options.symmetric());
              }
            };
          }

          private Toy withRange(float[] range) {
            return new Toy() {
              @Override
              float scale(float low, float high, boolean symmetric) {
                return super.scale(range[0], range[1], symmetric);
              }

              @Override
              int zeroPoint(float low, float scale) {
                return super.zeroPoint(range[0], scale);
              }
            };
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("orderDoesNotMatter");
  }

  /** Takes the scale of the first tile for all. Caught by {@code orderDoesNotMatter}. */
  @Test
  void dependsOnOrder() {
    Toy broken =
        new Toy() {
          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            float[] first = new float[1];
            Toy remembering =
                new Toy() {
                  @Override
                  EncodedTile quantize(Tile tile, boolean symmetric) {
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

  /** Takes another scale at every other call. Caught by {@code repeats}. */
  @Test
  void changesItsMind() {
    AtomicInteger calls = new AtomicInteger();
    Toy broken =
        new Toy() {
          @Override
          EncodedTile quantize(Tile tile, boolean symmetric) {
            int factor = calls.incrementAndGet() % 2 == 0 ? 1 : 2;
            return new Toy() {
              @Override
              float scale(float low, float high, boolean symmetric) {
                float scale = super.scale(low, high, symmetric);
                return scale > 1e30 ? scale / factor : scale * factor;
              }
            }.quantize(tile, symmetric);
          }

          @Override
          double bound(float scale) {
            return Double.POSITIVE_INFINITY;
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("repeats");
  }

  /** Is for the thread that used it first. Caught by {@code threadsDoNotMatter}. */
  @Test
  void belongsToOneThread() {
    Toy broken =
        new Toy() {
          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            AtomicReference<Thread> owner = new AtomicReference<>();
            return tile -> {
              owner.compareAndSet(null, Thread.currentThread());
              if (owner.get() != Thread.currentThread()) {
                throw new IllegalStateException("a buffer is used by two threads");
              }
              return quantize(tile, options.symmetric());
            };
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("threadsDoNotMatter");
  }

  /** Packs two codes into a byte, on and on across rows. Caught by {@code heightDoesNotMatter}. */
  @Test
  void packsAcrossRows() {
    Toy broken =
        new Toy() {
          @Override
          Encoding encoding(WeightMatrix rows, OptionValues options) {
            Encoding sound = super.encoding(rows, options);
            List<Part> parts = new ArrayList<>(sound.parts());
            parts.set(0, Part.perGroup("packed", ElementType.UINT8, 2));
            return Encoding.opaque(parts.toArray(Part[]::new));
          }

          @Override
          float scale(float low, float high, boolean symmetric) {
            return 32 * super.scale(Math.max(low, -1e30f), Math.min(high, 1e30f), symmetric);
          }

          @Override
          EncodedTile quantize(Tile tile, boolean symmetric) {
            EncodedTile sound = super.quantize(tile, symmetric);
            byte[] codes = sound.part(Part.CODES);
            byte[] packed = new byte[tile.height() * ((tile.cols() + 1) / 2)];
            for (int i = 0; i < codes.length; i++) {
              packed[i / 2] |= (byte) ((codes[i] & 15) << (4 * (i % 2)));
            }
            Map<String, byte[]> parts = new TreeMap<>(Map.of("packed", packed));
            sound.names().stream()
                .filter(name -> !name.equals(Part.CODES))
                .forEach(name -> parts.put(name, sound.part(name)));
            return EncodedTile.of(tile, parts);
          }

          @Override
          void decode(EncodedTile tile, float[] out, int cols, ElementType type) {
            Arrays.fill(out, 0, tile.height() * cols, 0);
          }

          @Override
          double bound(float scale) {
            return Double.POSITIVE_INFINITY;
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("heightDoesNotMatter");
  }

  /** Returns the buffer that the next tile is written to. Caught by {@code retainsNothing}. */
  @Test
  void reusesItsBuffers() {
    Toy broken =
        new Toy() {
          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            Map<Integer, byte[]> buffers = new HashMap<>();
            return tile -> {
              EncodedTile sound = quantize(tile, options.symmetric());
              synchronized (buffers) {
                byte[] codes = sound.part(Part.CODES);
                byte[] buffer = buffers.computeIfAbsent(codes.length, byte[]::new);
                System.arraycopy(codes, 0, buffer, 0, codes.length);
                return sound.with(Map.of(Part.CODES, buffer));
              }
            };
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("retainsNothing");
  }

  /** Uses its first tile as scratch space for ever. Caught by {@code retainsNothing}. */
  @Test
  void keepsItsFirstTile() {
    Toy broken =
        new Toy() {
          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            List<float[]> scratch = new ArrayList<>();
            return tile -> {
              synchronized (scratch) {
                scratch.add(tile.values());
                EncodedTile result = quantize(tile, options.symmetric());
                Arrays.fill(scratch.get(0), 0);
                return result;
              }
            };
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("retainsNothing");
  }

  /** Rounds the rows up to four. Caught by {@code returnsDeclaredParts}. */
  @Test
  void declaresAnotherSize() {
    Toy broken =
        new Toy() {
          @Override
          EncodedTile quantize(Tile tile, boolean symmetric) {
            EncodedTile sound = super.quantize(tile, symmetric);
            int rows = (tile.height() + 3) / 4 * 4;
            byte[] scales = Arrays.copyOf(sound.part(Part.SCALE), rows * Float.BYTES);
            return sound.with(Map.of(Part.SCALE, scales));
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("returnsDeclaredParts");
  }

  /** Goes through the whole array for the range. Caught by {@code readsOnlyItsValues}. */
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
    assertThat(ToyCases.caught(broken)).containsExactly("readsOnlyItsValues");
  }

  /** Names a group that is not there. Caught by {@code returnsDeclaredParts}. */
  @Test
  void aColumnIsInNoGroup() {
    ToyGroups broken =
        new ToyGroups() {
          @Override
          Encoding encoding(WeightMatrix rows, OptionValues options) {
            Part index =
                new Part(
                    Part.GROUP_INDEX,
                    ElementType.INT32,
                    new Part.Whole(TensorShape.of(rows.columnCount())));
            List<Part> parts = new ArrayList<>(super.encoding(rows, options).parts());
            parts.add(index);
            return new Encoding(
                parts,
                new Formula.Affine(
                        Part.CODES, List.of(Formula.Factor.times(Part.SCALE)), Optional.empty())
                    .withGroupIndex(Part.GROUP_INDEX));
          }

          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            TileQuantizer sound = super.begin(rows, options, facts, compute);
            byte[] cells = new byte[Math.toIntExact(rows.columnCount()) * Integer.BYTES];
            Arrays.fill(cells, (byte) 1);
            return new TileQuantizer() {
              @Override
              public EncodedTile quantize(Tile tile) {
                return sound.quantize(tile);
              }

              @Override
              public Map<String, byte[]> tensorParts() {
                return Map.of(Part.GROUP_INDEX, cells);
              }
            };
          }
        };
    WeightSample weight = ToyCases.WEIGHTS.get(0);
    OptionValues options = SchemeCase.defaults(broken, weight.rows());
    assertThatThrownBy(
            () -> TileQuantizerLaws.returnsDeclaredParts(new SchemeCase(broken, weight, options)))
        .isInstanceOf(LawViolation.class)
        .hasMessageContaining("column 0 is in group");
  }
}

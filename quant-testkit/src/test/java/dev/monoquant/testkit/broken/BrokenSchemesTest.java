package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.Rows;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.Options;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.contracts.Samples;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.SchemeLaws;
import dev.monoquant.testkit.laws.TileDecoderLaws;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.QuantizedTile;
import dev.monoquant.tile.Tile;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Schemes with one fault each, and the one law that must see it. */
class BrokenSchemesTest {

  private static final List<WeightSample> WEIGHTS = weights();

  private static List<WeightSample> weights() {
    List<WeightSample> weights = new ArrayList<>();
    for (ValuePattern pattern : ValuePattern.values()) {
      for (ElementType type : Samples.floatTypes()) {
        weights.add(WeightSample.of(pattern, type, 5, 12, 3));
      }
      weights.add(WeightSample.of(pattern, ElementType.FLOAT32, 1, 1, 1));
      weights.add(WeightSample.of(pattern, ElementType.FLOAT32, 1, 9, 2));
    }
    return weights;
  }

  /** The first law that each of many weights breaks, under symmetric and asymmetric options. */
  private static Set<String> caught(Scheme scheme) {
    List<SchemeCase> cases = new ArrayList<>();
    for (WeightSample weight : WEIGHTS) {
      Options options = scheme.defaults(weight.rows());
      cases.add(new SchemeCase(scheme, weight, options));
      cases.add(new SchemeCase(scheme, weight, options.withSymmetric(false)));
    }
    return Caught.by(SchemeLaws.all(), cases);
  }

  @Test
  void soundOneBreaksNone() {
    assertThat(caught(new Toy())).isEmpty();
    for (WeightSample weight : WEIGHTS) {
      SchemeCase c = new SchemeCase(new Toy(), weight);
      TileDecoderLaws.zeroRowsDecodeToZero(c);
      TileDecoderLaws.requantizingStays(c, 0);
    }
  }

  @Test
  void violationSaysWhatIsNeededToRepeatIt() {
    Toy broken =
        new Toy() {
          @Override
          double bound(float scale) {
            return Double.NaN;
          }
        };
    SchemeCase c =
        new SchemeCase(broken, WeightSample.of(ValuePattern.NORMAL, ElementType.FLOAT16, 2, 3, 7));
    assertThatThrownBy(() -> TileDecoderLaws.staysWithinErrorBound(c))
        .isInstanceOf(LawViolation.class)
        .hasMessageContaining("staysWithinErrorBound")
        .hasMessageContaining("acme/toy@1")
        .hasMessageContaining(
            "WeightSample.of(ValuePattern.NORMAL, ElementType.FLOAT16, 2, 3, 7L)")
        .hasMessageContaining("NaN");
  }

  /** Casts 128 to a byte, which is -128. Caught by {@code staysWithinErrorBound}. */
  @Test
  void signWraps() {
    Toy broken =
        new Toy() {
          @Override
          float scale(float low, float high, boolean symmetric) {
            double scale = super.scale(low, high, symmetric);
            return (float) (Math.max(-(double) low, high) / scale == 64 ? scale / 2 : scale);
          }

          @Override
          byte code(double steps, int zero) {
            return (byte) ((int) Math.rint(steps) + zero);
          }
        };
    assertThat(caught(broken)).containsExactly("staysWithinErrorBound");
  }

  /** Cuts the zero point. Caught by {@code staysWithinErrorBound}. */
  @Test
  void zeroPointIsTruncated() {
    Toy broken =
        new Toy() {
          @Override
          int zeroPoint(float low, float scale) {
            return (int) (-128 - low / (double) scale);
          }
        };
    assertThat(caught(broken)).containsExactly("staysWithinErrorBound");
  }

  /** Rounds halves up, as {@code Math.round} does. Caught by {@code tiesGoToEven}. */
  @Test
  void roundsHalvesUp() {
    Toy broken =
        new Toy() {
          @Override
          double round(double steps) {
            return Math.floor(steps + 0.5);
          }
        };
    assertThat(caught(broken)).containsExactly("tiesGoToEven");
  }

  /** Rounds halves away from zero. Caught by {@code tiesGoToEven}. */
  @Test
  void roundsHalvesAway() {
    Toy broken =
        new Toy() {
          @Override
          double round(double steps) {
            return Math.copySign(Math.floor(Math.abs(steps) + 0.5), steps);
          }
        };
    assertThat(caught(broken)).containsExactly("tiesGoToEven");
  }

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
    assertThat(caught(broken)).containsExactly("heightDoesNotMatter");
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
    assertThat(caught(broken)).containsExactlyInAnyOrder("orderDoesNotMatter", "repeats");
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
    assertThat(caught(broken)).containsExactly("orderDoesNotMatter");
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
    assertThat(caught(broken)).containsExactlyInAnyOrder("repeats", "tiesGoToEven");
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
    assertThat(caught(broken)).containsExactly("keepsNothing");
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
    assertThat(caught(broken)).containsExactly("keepsNothing");
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
    assertThat(caught(broken)).containsExactly("returnsDeclaredParts");
  }

  /** Writes codes for four bits that need five. Caught by {@code codesFitTheirType}. */
  @Test
  void codesLeaveTheirType() {
    Toy broken =
        new Toy() {
          @Override
          public Encoding encoding(Rows rows, Options options) {
            List<Part> parts = new ArrayList<>(super.encoding(rows, options).parts());
            parts.set(0, Part.perElement(Part.CODES, ElementType.INT7));
            return new Encoding(parts);
          }
        };
    assertThat(caught(broken)).containsExactly("codesFitTheirType");
  }

  /** Stores a scale of zero for zeros. Caught by {@code scalesAreNotZero}. */
  @Test
  void scaleIsZero() {
    Toy broken =
        new Toy() {
          @Override
          float scale(float low, float high, boolean symmetric) {
            return low == high ? 0 : super.scale(low, high, symmetric);
          }

          @Override
          int zeroPoint(float low, float scale) {
            return scale == 0 ? 0 : super.zeroPoint(low, scale);
          }
        };
    assertThat(caught(broken)).containsExactly("scalesAreNotZero");
  }

  /** Stores 1 / scale, which overflows for the smallest. Caught by {@code floatsAreFinite}. */
  @Test
  void reciprocalOverflows() {
    Toy broken =
        new Toy() {
          @Override
          QuantizedTile quantize(Tile tile, boolean symmetric) {
            QuantizedTile sound = super.quantize(tile, symmetric);
            byte[] reciprocals = sound.part(Part.SCALE).clone();
            for (int row = 0; row < tile.height(); row++) {
              little(reciprocals).putFloat(row * Float.BYTES, 1 / scaleOf(sound, row));
            }
            return sound.with(Map.of(Part.SCALE, reciprocals));
          }

          @Override
          void decode(QuantizedTile tile, float[] out, int cols, ElementType type) {
            byte[] scales = tile.part(Part.SCALE).clone();
            for (int row = 0; row < tile.height(); row++) {
              little(scales).putFloat(row * Float.BYTES, 1 / scaleOf(tile, row));
            }
            super.decode(tile.with(Map.of(Part.SCALE, scales)), out, cols, type);
          }

          @Override
          double bound(float scale) {
            return 0.5 / scale;
          }
        };
    assertThat(caught(broken)).containsExactly("floatsAreFinite");
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
    assertThat(caught(broken)).containsExactly("readsOnlyItsNumbers");
  }

  /** Counts on a positive number in each row. Caught by {@code throwsOnlyOnPurpose}. */
  @Test
  void throwsOnNegativeRows() {
    Toy broken =
        new Toy() {
          @Override
          float scale(float low, float high, boolean symmetric) {
            int positives = high == 0 && low < 0 ? 0 : 1;
            return super.scale(low, high, symmetric) / Math.floorDiv(1, positives);
          }
        };
    assertThat(caught(broken)).containsExactly("throwsOnlyOnPurpose");
  }

  /** Writes to the end of the array. Caught by {@code writesExactlyItsNumbers}. */
  @Test
  void decodesTooMuch() {
    Toy broken =
        new Toy() {
          @Override
          void decode(QuantizedTile tile, float[] out, int cols, ElementType type) {
            Arrays.fill(out, 0);
            super.decode(tile, out, cols, type);
          }
        };
    assertThat(caught(broken)).containsExactly("writesExactlyItsNumbers");
  }

  /** Leaves zeros to whoever made the array. Caught by {@code writesExactlyItsNumbers}. */
  @Test
  void decodesTooLittle() {
    Toy broken =
        new Toy() {
          @Override
          void decode(QuantizedTile tile, float[] out, int cols, ElementType type) {
            float[] before = out.clone();
            super.decode(tile, out, cols, type);
            for (int i = 0; i < tile.part(Part.CODES).length; i++) {
              out[i] = out[i] == 0 ? before[i] : out[i];
            }
          }
        };
    assertThat(caught(broken)).containsExactly("writesExactlyItsNumbers");
  }

  /** Subtracts the zero point in the codes themselves. Caught by {@code decodingReadsOnly}. */
  @Test
  void decodesInPlace() {
    Toy broken =
        new Toy() {
          @Override
          void decode(QuantizedTile tile, float[] out, int cols, ElementType type) {
            super.decode(tile, out, cols, type);
            tile.part(Part.CODES)[0]++;
          }
        };
    assertThat(caught(broken)).containsExactly("decodingReadsOnly");
  }

  /** Decodes all rows with the first scale. Caught by {@code decodesRowsAlone}. */
  @Test
  void decodesWithOneScale() {
    Toy broken =
        new Toy() {
          @Override
          void decode(QuantizedTile tile, float[] out, int cols, ElementType type) {
            byte[] scales = tile.part(Part.SCALE).clone();
            for (int row = 0; row < tile.height(); row++) {
              little(scales).putFloat(row * Float.BYTES, scaleOf(tile, 0));
            }
            super.decode(tile.with(Map.of(Part.SCALE, scales)), out, cols, type);
          }
        };
    assertThat(caught(broken)).containsExactly("decodesRowsAlone");
  }

  /** Decodes to 65536, which is infinite as a float16. Caught by {@code decodesToItsType}. */
  @Test
  void decodesBeyondItsType() {
    Toy broken =
        new Toy() {
          @Override
          void decode(QuantizedTile tile, float[] out, int cols, ElementType type) {
            super.decode(tile, out, cols, ElementType.FLOAT32);
          }
        };
    assertThat(caught(broken)).containsExactly("decodesToItsType");
  }

  /** Goes by the name of the layer. Caught by {@code encodingFollowsShapesAlone}. */
  @Test
  void looksAtNames() {
    Toy broken =
        new Toy() {
          @Override
          public Encoding encoding(Rows rows, Options options) {
            return super.encoding(
                rows, options.withSymmetric(options.symmetric() && !rows.layer().startsWith("other")));
          }
        };
    assertThat(caught(broken)).containsExactly("encodingFollowsShapesAlone");
  }

  /** Follows any profile. Caught by {@code unknownProfileIsRefused}. */
  @Test
  void followsAnyProfile() {
    Toy broken =
        new Toy() {
          @Override
          public Encoding encoding(Rows rows, Options options) {
            return super.encoding(rows, options.withProfile("acme"));
          }
        };
    assertThat(caught(broken)).containsExactly("unknownProfileIsRefused");
  }

  /** Refuses what it gives itself. Caught by {@code defaultsAreAccepted}. */
  @Test
  void refusesItsDefaults() {
    Toy broken =
        new Toy() {
          @Override
          public Options defaults(Rows rows) {
            return super.defaults(rows).withProfile("torch");
          }
        };
    WeightSample weight = WEIGHTS.get(0);
    SchemeCase c = new SchemeCase(broken, weight, new Toy().defaults(weight.rows()));
    assertThat(Caught.by(SchemeLaws.all(), List.of(c))).containsExactly("defaultsAreAccepted");
  }

  /** Counts its versions up. Caught by {@code idIsStable}. */
  @Test
  void changesItsId() {
    AtomicInteger version = new AtomicInteger();
    Toy broken =
        new Toy() {
          @Override
          public SchemeId id() {
            return new SchemeId("acme/toy", version.incrementAndGet());
          }
        };
    assertThat(caught(broken)).containsExactly("idIsStable");
  }

  /** Needs the range once it has begun. Caught by {@code needsAreStable}. */
  @Test
  void needsMoreLater() {
    Toy broken =
        new Toy() {
          private boolean begun;

          @Override
          public Set<Need> needs(Options options) {
            return begun ? Set.of(Need.TENSOR_RANGE) : Set.of();
          }

          @Override
          public TileQuantizer begin(Rows rows, Options options, Facts facts) {
            begun = true;
            return super.begin(rows, options, facts);
          }

          @Override
          public Encoding encoding(Rows rows, Options options) {
            begun = false;
            return super.encoding(rows, options);
          }
        };
    SchemeCase c = new SchemeCase(broken, WEIGHTS.get(0));
    assertThat(Caught.by(SchemeLaws.all(), List.of(c))).containsExactly("needsAreStable");
  }

  @Test
  void refusedWeightsAreNotAccepted() {
    SchemeCase c =
        new SchemeCase(
            new Toy(),
            WEIGHTS.get(0),
            new Options(8, true, Granularity.CHANNEL).withProfile("torch"));
    assertThat(c.accepted()).isFalse();
  }
}

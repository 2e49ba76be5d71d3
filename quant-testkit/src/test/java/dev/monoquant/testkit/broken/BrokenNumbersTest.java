package dev.monoquant.testkit.broken;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.testkit.data.ValuePattern;
import dev.monoquant.testkit.data.WeightSample;
import dev.monoquant.testkit.laws.LawViolation;
import dev.monoquant.testkit.laws.TileDecoderLaws;
import dev.monoquant.testkit.laws.TileQuantizerLaws;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Schemes that get numbers wrong, one fault each, and the one law that must see it. */
class BrokenNumbersTest {

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
    assertThat(ToyCases.caught(broken)).containsExactly("staysWithinErrorBound");
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
    assertThat(ToyCases.caught(broken)).containsExactly("staysWithinErrorBound");
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
    assertThat(ToyCases.caught(broken)).containsExactly("tiesGoToEven");
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
    assertThat(ToyCases.caught(broken)).containsExactly("tiesGoToEven");
  }

  /** Writes codes for four bits that need five. Caught by {@code codesFitTheirType}. */
  @Test
  void codesLeaveTheirType() {
    Toy broken =
        new Toy() {
          @Override
          Encoding encoding(WeightMatrix rows, OptionValues options) {
            List<Part> parts = new ArrayList<>(super.encoding(rows, options).parts());
            parts.set(0, Part.perElement(Part.CODES, ElementType.INT7));
            return Encoding.opaque(parts.toArray(Part[]::new));
          }
        };
    assertThat(ToyCases.caught(broken)).containsExactly("codesFitTheirType");
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
    assertThat(ToyCases.caught(broken)).containsExactly("scalesAreNotZero");
  }

  /** Stores 1 / scale, which overflows for the smallest. Caught by {@code floatsAreFinite}. */
  @Test
  void reciprocalOverflows() {
    Toy broken =
        new Toy() {
          @Override
          EncodedTile quantize(Tile tile, boolean symmetric) {
            EncodedTile sound = super.quantize(tile, symmetric);
            byte[] reciprocals = sound.part(Part.SCALE).clone();
            for (int row = 0; row < tile.height(); row++) {
              little(reciprocals).putFloat(row * Float.BYTES, 1 / scaleOf(sound, row));
            }
            return sound.with(Map.of(Part.SCALE, reciprocals));
          }

          @Override
          void decode(EncodedTile tile, float[] out, int cols, ElementType type) {
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
    assertThat(ToyCases.caught(broken)).containsExactly("floatsAreFinite");
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
    assertThat(ToyCases.caught(broken)).containsExactly("throwsOnlyOnPurpose");
  }

  /** Counts its codes from one. Caught by {@code zeroRowsDecodeToZero}. */
  @Test
  void zeroIsNoCode() {
    Toy broken =
        new Toy() {
          @Override
          void decode(EncodedTile tile, float[] out, int cols, ElementType type) {
            super.decode(tile, out, cols, type);
            for (int i = 0; i < tile.height() * cols; i++) {
              out[i] += scaleOf(tile, i / cols);
            }
          }
        };
    assertThatThrownBy(() -> TileDecoderLaws.zeroRowsDecodeToZero(normal(broken)))
        .isInstanceOfSatisfying(
            LawViolation.class, e -> assertThat(e.law()).isEqualTo("zeroRowsDecodeToZero"));
  }

  /** Decodes to less than it was. Caught by {@code requantizingChangesNothing}. */
  @Test
  void shrinks() {
    Toy broken =
        new Toy() {
          @Override
          void decode(EncodedTile tile, float[] out, int cols, ElementType type) {
            super.decode(tile, out, cols, type);
            for (int i = 0; i < tile.height() * cols; i++) {
              out[i] *= 0.75f;
            }
          }
        };
    assertThatThrownBy(() -> TileDecoderLaws.requantizingChangesNothing(normal(broken), 0))
        .isInstanceOfSatisfying(
            LawViolation.class, e -> assertThat(e.law()).isEqualTo("requantizingChangesNothing"));
  }

  /** Rounds in another way when it computes in torch. Caught by {@code torchEqualsJvm}. */
  @Test
  void torchRoundsInAnotherWay() {
    Toy broken =
        new Toy() {
          @Override
          public TileQuantizer begin(
              WeightMatrix rows, OptionValues options, Facts facts, Compute compute) {
            Toy torch =
                new Toy() {
                  @Override
                  double round(double steps) {
                    return Math.floor(steps);
                  }
                };
            boolean jvm = compute == Compute.JVM;
            return tile -> (jvm ? this : torch).quantize(tile, options.symmetric());
          }
        };
    assertThatThrownBy(() -> TileQuantizerLaws.torchEqualsJvm(normal(broken)))
        .isInstanceOfSatisfying(
            LawViolation.class, e -> assertThat(e.law()).isEqualTo("torchEqualsJvm"));
  }

  private static SchemeCase normal(Toy scheme) {
    return new SchemeCase(
        scheme, WeightSample.of(ValuePattern.NORMAL, ElementType.FLOAT32, 4, 9, 5));
  }
}

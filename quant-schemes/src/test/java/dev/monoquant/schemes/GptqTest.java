package dev.monoquant.schemes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Columns that make up for each other's errors, against GPTQ as its paper has it. */
class GptqTest {

  private static final int ROWS = 6;
  private static final int COLS = 160;

  /** Inputs that depend on each other: fewer sources than columns, of unlike sizes. */
  private static double[][] gram(long seed, int samples) {
    Random random = new Random(seed);
    double[][] gram = new double[COLS][COLS];
    double[] sources = new double[COLS / 4];
    double[][] mix = new double[COLS][sources.length];
    for (double[] row : mix) {
      Arrays.setAll(row, i -> random.nextGaussian());
    }
    for (int s = 0; s < samples; s++) {
      Arrays.setAll(sources, i -> random.nextGaussian());
      double[] x = new double[COLS];
      for (int c = 0; c < COLS; c++) {
        x[c] = random.nextGaussian() * (0.2 + c % 3);
        for (int i = 0; i < sources.length; i++) {
          x[c] += mix[c][i] * sources[i] * (1 + c % 5) / 8;
        }
      }
      for (int i = 0; i < COLS; i++) {
        for (int j = 0; j < COLS; j++) {
          gram[i][j] += x[i] * x[j] / samples;
        }
      }
    }
    for (double[] row : gram) {
      Arrays.setAll(row, i -> (float) row[i]);
    }
    return gram;
  }

  private static GramMatrix matrix(double[][] gram) {
    return new GramMatrix() {
      @Override
      public int size() {
        return gram.length;
      }

      @Override
      public void readRow(int row, float[] into) {
        for (int c = 0; c < gram.length; c++) {
          into[c] = (float) gram[row][c];
        }
      }
    };
  }

  private static float[] weight(long seed) {
    Random random = new Random(seed);
    float[] weight = new float[ROWS * COLS];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = (float) random.nextGaussian();
    }
    return weight;
  }

  private static OptionValues options(boolean symmetric) {
    return OptionValues.of(4, symmetric, Granularity.group(32))
        .with(CommonOptions.PROFILE, "compressed-tensors")
        .with(Map.of("method", "gptq"));
  }

  private static EncodedTile quantize(
      Scheme scheme, OptionValues options, Facts facts, float[] weight, int height) {
    WeightMatrix rows = Run.rows(ElementType.FLOAT32, ROWS, COLS);
    return Run.quantize(scheme.begin(rows, options, facts, Compute.AUTO), rows, weight, height);
  }

  private static float[] decode(Scheme scheme, OptionValues options, EncodedTile parts) {
    return Run.decode(scheme, Run.rows(ElementType.FLOAT32, ROWS, COLS), options, parts);
  }

  /** The Cholesky factor of the inverse, and the errors handed on column by column. */
  @Test
  void codesAreThoseOfTheInverse() {
    for (int seed = 0; seed < 12; seed++) {
      boolean symmetric = seed % 2 == 0;
      boolean ordered = seed % 3 != 0;
      double[][] gram = gram(seed, 300);
      float[] weight = weight(seed);
      Scheme scheme = new Int4Scheme();
      OptionValues options = options(symmetric).with(Map.of("act-order", String.valueOf(ordered)));
      EncodedTile made =
          quantize(scheme, options, Facts.NONE.withInputGram(matrix(gram)), weight, 4);
      EncodedTile nearest =
          quantize(scheme, options.with(Map.of("method", "nearest")), Facts.NONE, weight, 4);
      for (String part : nearest.names()) {
        if (!part.equals(Part.CODES)) {
          assertThat(made.part(part)).as("scales come first").isEqualTo(nearest.part(part));
        }
      }
      byte[] expected = reference(gram, weight, nearest, symmetric, ordered);
      assertThat(made.part(Part.CODES)).as("seed %d", seed).isEqualTo(expected);
      assertThat(made.part(Part.CODES)).isNotEqualTo(nearest.part(Part.CODES));
    }
  }

  private static byte[] reference(
      double[][] gram, float[] weight, EncodedTile scales, boolean symmetric, boolean ordered) {
    Integer[] order = new Integer[COLS];
    Arrays.setAll(order, i -> i);
    if (ordered) {
      Arrays.sort(order, (a, b) -> Double.compare(gram[b][b], gram[a][a]));
    }
    double mean = 0;
    for (int i = 0; i < COLS; i++) {
      mean += gram[i][i] / COLS;
    }
    double[][] h = new double[COLS][COLS];
    for (int i = 0; i < COLS; i++) {
      for (int j = 0; j < COLS; j++) {
        h[i][j] = gram[order[i]][order[j]] + (i == j ? 0.01 * mean : 0);
      }
    }
    double[][] u = upper(inverse(h));
    byte[] codes = new byte[ROWS * COLS];
    float[] scale = floats(scales.part(Part.SCALE));
    for (int row = 0; row < ROWS; row++) {
      double[] w = new double[COLS];
      for (int j = 0; j < COLS; j++) {
        w[j] = weight[row * COLS + order[j]];
      }
      for (int j = 0; j < COLS; j++) {
        int group = row * (COLS / 32) + order[j] / 32;
        int zero = symmetric ? 0 : scales.part(Part.ZERO_POINT)[group];
        double level = Math.rint((float) w[j] / scale[group] + zero);
        long code = Math.round(Math.min(Math.max(level, -8), 7));
        codes[row * COLS + order[j]] = (byte) code;
        double error = (w[j] - (code - zero) * scale[group]) / u[j][j];
        for (int k = j + 1; k < COLS; k++) {
          w[k] -= error * u[j][k];
        }
      }
    }
    return codes;
  }

  private static float[] floats(byte[] bytes) {
    float[] floats = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(floats);
    return floats;
  }

  private static double[][] inverse(double[][] matrix) {
    int n = matrix.length;
    double[][] a = new double[n][2 * n];
    for (int i = 0; i < n; i++) {
      System.arraycopy(matrix[i], 0, a[i], 0, n);
      a[i][n + i] = 1;
    }
    for (int p = 0; p < n; p++) {
      double pivot = a[p][p];
      for (int c = 0; c < 2 * n; c++) {
        a[p][c] /= pivot;
      }
      for (int r = 0; r < n; r++) {
        double factor = a[r][p];
        for (int c = 0; r != p && c < 2 * n; c++) {
          a[r][c] -= factor * a[p][c];
        }
      }
    }
    double[][] inverse = new double[n][];
    for (int i = 0; i < n; i++) {
      inverse[i] = Arrays.copyOfRange(a[i], n, 2 * n);
    }
    return inverse;
  }

  /** U, upper triangular, with Uᵀ U equal to the matrix. */
  private static double[][] upper(double[][] matrix) {
    int n = matrix.length;
    double[][] u = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = i; j < n; j++) {
        double sum = matrix[i][j];
        for (int k = 0; k < i; k++) {
          sum -= u[k][i] * u[k][j];
        }
        u[i][j] = i == j ? Math.sqrt(sum) : sum / u[i][i];
      }
    }
    return u;
  }

  @Test
  void theErrorOfTheOutputsIsMuchLess() {
    Map<Scheme, OptionValues> schemes =
        Map.of(
            new Int4Scheme(), options(false),
            new Int3Scheme(), options(false).with(Map.of("bits", "3")),
            new Mxfp4Scheme(), floats(32),
            new Nvfp4Scheme(), floats(16));
    schemes.forEach(
        (scheme, options) -> {
          double[][] gram = gram(5, 400);
          float[] weight = weight(6);
          Facts facts = Run.facts(scheme, options, weight);
          OptionValues nearest = options.with(Map.of("method", "nearest"));
          EncodedTile made =
              quantize(scheme, options, facts.withInputGram(matrix(gram)), weight, 6);
          EncodedTile plain = quantize(scheme, nearest, facts, weight, 6);
          double gptq = error(gram, weight, decode(scheme, options, made));
          double rounded = error(gram, weight, decode(scheme, options, plain));
          assertThat(gptq / rounded).as(scheme.id().toString()).isLessThan(0.5);
        });
  }

  private static OptionValues floats(int group) {
    return OptionValues.of(4, true, Granularity.group(group))
        .with(CommonOptions.PROFILE, "compressed-tensors")
        .with(Map.of("method", "gptq"));
  }

  private static double error(double[][] gram, float[] weight, float[] decoded) {
    double sum = 0;
    for (int row = 0; row < ROWS; row++) {
      for (int i = 0; i < COLS; i++) {
        for (int j = 0; j < COLS; j++) {
          int a = row * COLS + i;
          int b = row * COLS + j;
          sum += (weight[a] - decoded[a]) * gram[i][j] * (weight[b] - decoded[b]);
        }
      }
    }
    return sum;
  }

  @Test
  void withoutFactorsItIsRoundedToNearestAndSaid() {
    double[][] odd = gram(1, 300);
    odd[3][3] = Double.NaN;
    String failure = "its diagonal has NaN for column 3";
    assertThat(fallback(odd)).hasValueSatisfying(text -> assertThat(text).endsWith(failure));
    double[][] indefinite = gram(1, 300);
    indefinite[1][0] = 1e6;
    indefinite[0][1] = 1e6;
    assertThat(fallback(indefinite))
        .hasValueSatisfying(
            text ->
                assertThat(text)
                    .startsWith("it was rounded to nearest instead of by gptq")
                    .contains("not positive definite at column"));
  }

  private static Optional<String> fallback(double[][] gram) {
    Scheme scheme = new Int4Scheme();
    WeightMatrix rows = Run.rows(ElementType.FLOAT32, ROWS, COLS);
    Facts facts = Facts.NONE.withInputGram(matrix(gram));
    TileQuantizer quantizer = scheme.begin(rows, options(true), facts, Compute.AUTO);
    EncodedTile made = Run.quantize(quantizer, rows, weight(2), 6);
    OptionValues nearest = options(true).with(Map.of("method", "nearest"));
    EncodedTile plain = quantize(scheme, nearest, Facts.NONE, weight(2), 6);
    assertThat(made.part(Part.CODES)).isEqualTo(plain.part(Part.CODES));
    return quantizer.warning();
  }

  /** A column without inputs neither gets errors of others nor passes on its own. */
  @Test
  void columnsWithoutInputsAreRoundedToNearest() {
    double[][] gram = gram(3, 300);
    for (int i = 0; i < COLS; i++) {
      gram[i][7] = 0;
      gram[7][i] = 0;
    }
    Scheme scheme = new Int4Scheme();
    EncodedTile made =
        quantize(scheme, options(true), Facts.NONE.withInputGram(matrix(gram)), weight(4), 6);
    OptionValues nearest = options(true).with(Map.of("method", "nearest"));
    EncodedTile plain = quantize(scheme, nearest, Facts.NONE, weight(4), 6);
    for (int row = 0; row < ROWS; row++) {
      int at = row * COLS + 7;
      assertThat(made.part(Part.CODES)[at]).isEqualTo(plain.part(Part.CODES)[at]);
    }
    assertThat(made.part(Part.CODES)).isNotEqualTo(plain.part(Part.CODES));
  }

  @Test
  void optionsOfTheMethodNeedTheMethod() {
    Scheme scheme = new Int4Scheme();
    WeightMatrix rows = Run.rows(ElementType.FLOAT32, ROWS, COLS);
    assertThat(scheme.needs(options(true))).containsExactly(Need.INPUT_GRAM);
    OptionValues plain = options(true).with(Map.of("method", "nearest"));
    assertThat(scheme.needs(plain)).isEmpty();
    Fit fit = scheme.fit(rows, plain.with(Map.of("damping", "0.1", "act-order", "false")));
    assertThat(fit)
        .isInstanceOfSatisfying(
            Fit.Unfit.class,
            unfit ->
                assertThat(unfit.reason())
                    .isEqualTo("act-order and damping: only method=gptq has this option"));
  }

  @Test
  void aGridCountsErrorsAsTheInputsDo() {
    for (Scheme scheme : new Scheme[] {new Int4Scheme(), new Nvfp4Scheme()}) {
      OptionValues options =
          (scheme instanceof Int4Scheme ? options(true) : floats(16))
              .with(Map.of("method", "nearest", "search", "grid"));
      assertThat(scheme.uses(options)).containsExactly(Need.INPUT_SQUARES);
      float[] weight = weight(8);
      float[] squares = new float[COLS];
      double[][] diagonal = new double[COLS][COLS];
      for (int c = 0; c < COLS; c++) {
        squares[c] = c % 4 == 0 ? 100 : 1;
        diagonal[c][c] = squares[c];
      }
      Facts facts = Run.facts(scheme, options, weight);
      EncodedTile aware = quantize(scheme, options, facts.withInputSquares(squares), weight, 6);
      EncodedTile blind = quantize(scheme, options, facts, weight, 6);
      double with = error(diagonal, weight, decode(scheme, options, aware));
      double without = error(diagonal, weight, decode(scheme, options, blind));
      assertThat(with).as(scheme.id().toString()).isLessThan(0.9 * without);
      float[] equal = new float[COLS];
      Arrays.fill(equal, 3);
      EncodedTile same = quantize(scheme, options, facts.withInputSquares(equal), weight, 6);
      for (String part : blind.names()) {
        assertThat(same.part(part)).isEqualTo(blind.part(part));
      }
    }
  }
}

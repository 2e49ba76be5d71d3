package dev.monoquant.core.edit;

import dev.monoquant.core.run.CodedSample;
import dev.monoquant.core.run.GramProduct;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.ModelSource;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The error of the outputs of layers that read one input, for factors of that input:
 *
 * <pre>
 * e = sum over rows w of each weight of d G dᵀ,    d = w - decode(encode(w s)) / s
 * </pre>
 *
 * <p>Of at most {@value #MOST_ROWS} rows of each weight at equal distances, which stand for all;
 * without a Gram matrix G, of its diagonal alone.
 */
final class Group {

  private static final int MOST_ROWS = 32;

  /** The steps of an input in 8 bits. */
  private static final double INPUT_STEPS = 255;

  /** Some rows of a weight. */
  private static final class Member {
    private final CodedSample sample;
    private final float[] rows;
    private final int count;
    private final double each;
    private final float[] squares;
    private final Optional<GramMatrix> gram;
    private final InputStatistics statistics;

    /**
     * @param rows row-major
     * @param count how many there are
     * @param each how many rows of the weight one of them stands for
     */
    Member(Weight weight, float[] rows, int count, double each) {
      this.sample = weight.sample();
      this.rows = rows;
      this.count = count;
      this.each = each;
      this.squares = weight.statistics().meanSquares().orElseThrow();
      this.gram = weight.statistics().gram();
      this.statistics = weight.statistics();
    }
  }

  private final List<Member> members;
  private final int cols;

  private Group(List<Member> members, int cols) {
    this.members = members;
    this.cols = cols;
  }

  /**
   * Reads rows of the weights of a group.
   *
   * @param weights how they are quantized, with their statistics
   */
  static Group read(ModelSource source, List<Weight> weights, int cols) throws IOException {
    List<Member> members = new ArrayList<>();
    for (Weight weight : weights) {
      WeightMatrix matrix = weight.matrix();
      long step = Math.max(1, (matrix.rowCount() + MOST_ROWS - 1) / MOST_ROWS);
      int count = Weight.sampled(matrix.rowCount(), MOST_ROWS);
      float[] rows = new float[Math.multiplyExact(count, cols)];
      float[] row = new float[cols];
      for (int i = 0; i < count; i++) {
        source.readRows(matrix, new RowRange(i * step, 1), row);
        System.arraycopy(row, 0, rows, i * cols, cols);
      }
      members.add(new Member(weight, rows, count, (double) matrix.rowCount() / count));
    }
    return new Group(members, cols);
  }

  /** The most rows of a weight that are read. */
  static int mostRows() {
    return MOST_ROWS;
  }

  /** The root of the mean square of each column of the inputs, over all members. */
  float[] magnitudes() {
    float[] magnitudes = new float[cols];
    for (int c = 0; c < cols; c++) {
      double sum = 0;
      for (Member member : members) {
        sum += member.squares[c];
      }
      magnitudes[c] = (float) Math.sqrt(sum / members.size());
    }
    return magnitudes;
  }

  /** The greatest magnitude of each column of the inputs; empty if a member does not know it. */
  Optional<float[]> greatest() {
    float[] greatest = new float[cols];
    for (Member member : members) {
      Optional<float[]> least = member.statistics.columnLeast();
      Optional<float[]> most = member.statistics.columnGreatest();
      if (least.isEmpty() || most.isEmpty() || least.get().length != cols) {
        return Optional.empty();
      }
      for (int c = 0; c < cols; c++) {
        greatest[c] =
            Math.max(greatest[c], Math.max(Math.abs(least.get()[c]), Math.abs(most.get()[c])));
      }
    }
    return Optional.of(greatest);
  }

  /**
   * {@return the error; NaN if it cannot be told}
   *
   * @param factors one for each column
   * @param greatest the greatest magnitude of each column of the inputs, to count the error of
   *     inputs of 8 bits, too; empty to count that of weights alone
   */
  double error(float[] factors, float[] greatest) {
    float[][] scaled = new float[members.size()][];
    float min = Float.POSITIVE_INFINITY;
    float max = Float.NEGATIVE_INFINITY;
    for (int m = 0; m < scaled.length; m++) {
      float[] rows = members.get(m).rows.clone();
      for (int i = 0; i < rows.length; i++) {
        rows[i] *= factors[i % cols];
        if (!Float.isFinite(rows[i])) {
          return Double.NaN;
        }
      }
      scaled[m] = rows;
      Facts.Range range = CodedSample.range(rows);
      min = Math.min(min, range.min());
      max = Math.max(max, range.max());
    }
    double ofInputs = inputNoise(factors, greatest);
    double error = 0;
    for (int m = 0; m < scaled.length; m++) {
      Member member = members.get(m);
      float[] squares = new float[cols];
      for (int c = 0; c < cols; c++) {
        squares[c] = (float) (member.squares[c] / ((double) factors[c] * factors[c]));
      }
      float[] decoded = member.sample.decoded(scaled[m], new Facts.Range(min, max), squares);
      float[][] wrong = new float[member.count][cols];
      double noise = 0;
      for (int i = 0; i < decoded.length; i++) {
        int c = i % cols;
        wrong[i / cols][c] = (scaled[m][i] - decoded[i]) / factors[c];
        noise += ofInputs * scaled[m][i] * scaled[m][i];
      }
      double ofWeights =
          member.gram.isPresent()
              ? GramProduct.sums(member.gram.get(), wrong)[0]
              : diagonal(wrong, member.squares);
      error += member.each * (ofWeights + noise);
    }
    return error;
  }

  /** The mean square of the error of an input that is rounded to 8 bits in one range for all. */
  private static double inputNoise(float[] factors, float[] greatest) {
    double range = 0;
    for (int c = 0; c < greatest.length; c++) {
      range = Math.max(range, greatest[c] / factors[c]);
    }
    double step = 2 * range / INPUT_STEPS;
    return step * step / 12;
  }

  private static double diagonal(float[][] rows, float[] squares) {
    double sum = 0;
    for (float[] row : rows) {
      for (int c = 0; c < row.length; c++) {
        sum += (double) row[c] * row[c] * squares[c];
      }
    }
    return sum;
  }

  /** Factors that change nothing. */
  float[] ones() {
    float[] ones = new float[cols];
    Arrays.fill(ones, 1);
    return ones;
  }
}

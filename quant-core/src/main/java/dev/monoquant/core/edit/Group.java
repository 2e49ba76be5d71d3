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
 * <p>Of at most {@value #MOST_ROWS} rows of each weight at equal distances, which stand for all,
 * and of fewer where those of all weights would take more than {@value #MOST_BYTES} bytes, as the
 * hundreds of experts of a mixture; without a Gram matrix G, of its diagonal alone.
 */
final class Group {

  private static final int MOST_ROWS = 32;

  /** Of the rows of a group, as floats: 32 of each of 256 weights of 2,048 columns. */
  private static final long MOST_BYTES = 64L << 20;

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

    /**
     * @param statistics those of the weight
     * @param rows row-major
     * @param count how many there are
     * @param each how many rows of the weight one of them stands for
     */
    Member(CodedSample sample, InputStatistics statistics, float[] rows, int count, double each) {
      this.sample = sample;
      this.rows = rows;
      this.count = count;
      this.each = each;
      this.squares = statistics.meanSquares().orElseThrow();
      this.gram = statistics.gram();
    }
  }

  private final List<Member> members;
  private final int cols;
  private final Optional<float[]> greatest;

  private Group(List<Member> members, int cols, Optional<float[]> greatest) {
    this.members = members;
    this.cols = cols;
    this.greatest = greatest;
  }

  /**
   * Reads rows of the weights of a group.
   *
   * @param weights how they are quantized, with their statistics
   */
  static Group read(ModelSource source, List<Weight> weights, int cols) throws IOException {
    List<Member> members = new ArrayList<>();
    Optional<float[]> greatest = Optional.of(new float[cols]);
    for (Weight weight : weights) {
      WeightMatrix matrix = weight.matrix();
      int count = weight.rows();
      long step = Weight.step(matrix.rowCount(), count);
      float[] rows = new float[Math.multiplyExact(count, cols)];
      float[] row = new float[cols];
      for (int i = 0; i < count; i++) {
        source.readRows(matrix, new RowRange(i * step, 1), row);
        System.arraycopy(row, 0, rows, i * cols, cols);
      }
      InputStatistics statistics = weight.statistics().get();
      double each = (double) matrix.rowCount() / count;
      members.add(new Member(weight.sample(), statistics, rows, count, each));
      greatest = greatest.flatMap(so -> greatest(so, statistics));
    }
    return new Group(members, cols, greatest);
  }

  /**
   * The most rows of a weight that are read.
   *
   * @param weights the number of weights of the group
   * @param cols of each
   */
  static int mostRows(int weights, int cols) {
    long fitting = MOST_BYTES / Math.max(1, (long) Float.BYTES * weights * cols);
    return (int) Math.max(1, Math.min(MOST_ROWS, fitting));
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
    return greatest;
  }

  private static Optional<float[]> greatest(float[] so, InputStatistics statistics) {
    Optional<float[]> least = statistics.columnLeast();
    Optional<float[]> most = statistics.columnGreatest();
    if (least.isEmpty() || most.isEmpty() || least.get().length != so.length) {
      return Optional.empty();
    }
    for (int c = 0; c < so.length; c++) {
      so[c] = Math.max(so[c], Math.max(Math.abs(least.get()[c]), Math.abs(most.get()[c])));
    }
    return Optional.of(so);
  }

  /**
   * {@return the error; NaN if it cannot be told}
   *
   * @param factors one for each column
   * @param greatest the greatest magnitude of each column of the inputs, to count the error of
   *     inputs of 8 bits, too; empty to count that of weights alone
   */
  double error(float[] factors, float[] greatest) {
    Optional<Facts.Range> range = range(factors);
    if (range.isEmpty()) {
      return Double.NaN;
    }
    double ofInputs = inputNoise(factors, greatest);
    double error = 0;
    for (Member member : members) {
      float[] scaled = scaled(member, factors);
      float[] squares = new float[cols];
      for (int c = 0; c < cols; c++) {
        squares[c] = (float) (member.squares[c] / ((double) factors[c] * factors[c]));
      }
      float[] decoded = member.sample.decoded(scaled, range.get(), squares);
      float[][] wrong = new float[member.count][cols];
      double noise = 0;
      for (int i = 0; i < decoded.length; i++) {
        int c = i % cols;
        wrong[i / cols][c] = (scaled[i] - decoded[i]) / factors[c];
        noise += ofInputs * scaled[i] * scaled[i];
      }
      double ofWeights =
          member.gram.isPresent()
              ? GramProduct.sums(member.gram.get(), wrong)[0]
              : diagonal(wrong, member.squares);
      error += member.each * (ofWeights + noise);
    }
    return error;
  }

  /** Of all members; empty if a number is not finite. Rows are scaled twice rather than kept. */
  private Optional<Facts.Range> range(float[] factors) {
    float min = Float.POSITIVE_INFINITY;
    float max = Float.NEGATIVE_INFINITY;
    for (Member member : members) {
      for (float value : scaled(member, factors)) {
        if (!Float.isFinite(value)) {
          return Optional.empty();
        }
        min = Math.min(min, value);
        max = Math.max(max, value);
      }
    }
    return Optional.of(new Facts.Range(min, max));
  }

  private float[] scaled(Member member, float[] factors) {
    float[] scaled = member.rows.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= factors[i % cols];
    }
    return scaled;
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

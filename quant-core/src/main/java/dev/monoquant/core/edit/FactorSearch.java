package dev.monoquant.core.edit;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EditOptions;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.ScaleFold.Side;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Chooses the factors of a place.
 *
 * <pre>
 * awq           s_j = x_j^alpha                          x_j the root of the mean square of column j
 * smoothquant   s_j = m_j^alpha / w_j^(1 - alpha)        w_j the greatest |W_ij| of all weights,
 *                                                        m_j the greatest |x_j|; x_j if not known
 * both          s divided by sqrt(min s * max s)
 * </pre>
 *
 * <p>Sources: Lin and others, AWQ (arXiv 2306.00978), whose x_j is a mean magnitude; Xiao and
 * others, SmoothQuant (arXiv 2211.10438). Magnitudes below 1/10,000 of the greatest count as that,
 * so that no factor is extreme.
 *
 * <p>Factors are then made exact: the divided norm is rounded to its type, and the factor is what
 * it was divided by. So the product with the multiplied weight is that of the original.
 */
final class FactorSearch {

  private static final float FLOOR = 1e-4f;

  /**
   * What a norm without bias may leave of a mean square of 1, or a calibration of other samples.
   */
  private static final double LEAST_SQUARE = 0.25;

  private static final double GREATEST_SQUARE = 1.25;

  /** Rows of a weight that are read together. */
  private static final int ROWS = 16;

  /** Scaled rows, their codes, what these decode to, its error, and products with it. */
  private static final int COPIES = 6;

  private final ModelSource source;
  private final Place place;
  private final List<Weight> weights;
  private final boolean smooth;
  private final Optional<Double> alpha;

  /**
   * @param weights those that will be quantized, at least one
   * @param smooth whether the factors are those of SmoothQuant
   * @param alpha the power; empty for the best
   */
  FactorSearch(
      ModelSource source,
      Place place,
      List<Weight> weights,
      boolean smooth,
      Optional<Double> alpha) {
    this.source = source;
    this.place = place;
    this.weights = weights;
    this.smooth = smooth;
    this.alpha = alpha;
  }

  /** Factors, or why there are none. */
  record Found(Optional<Scaled> scaled, String reason) {

    private static Found not(String reason) {
      return new Found(Optional.empty(), reason);
    }
  }

  /**
   * The greatest memory that {@link #run} needs: rows of all weights, and copies of those of one.
   */
  long bytes() {
    long all = weights.stream().mapToLong(Weight::rows).sum();
    long most = weights.stream().mapToLong(Weight::rows).max().orElse(0);
    return Float.BYTES * (all + COPIES * most) * place.size();
  }

  Found run() throws IOException {
    Group group = Group.read(source, weights, place.size());
    float[] inputs = group.magnitudes();
    Optional<String> foreign = foreign(inputs);
    if (foreign.isPresent()) {
      return Found.not(foreign.get());
    }
    float[] sizes = smooth ? group.greatest().orElse(inputs) : inputs;
    float[] greatest = smooth ? sizes : new float[0];
    double before = group.error(group.ones(), greatest);
    if (!Double.isFinite(before)) {
      return Found.not("its weights or their statistics have numbers that are not finite");
    }
    float[] ofWeights = smooth ? columnMaxima() : new float[0];
    double[] alphas = alpha.map(a -> new double[] {a}).orElseGet(EditOptions::alphas);
    Optional<Scaled> best = Optional.empty();
    double least = alpha.isPresent() ? Double.POSITIVE_INFINITY : before;
    for (double power : alphas) {
      float[] factors = exact(factors(sizes, ofWeights, power));
      double error = group.error(factors, greatest);
      if (error < least) {
        least = error;
        best = Optional.of(new Scaled(place, factors, power, before == 0 ? 1 : error / before));
      }
    }
    return best.map(scaled -> new Found(Optional.of(scaled), ""))
        .orElseGet(() -> Found.not("no factors lower the error of the outputs"));
  }

  /** Why the statistics cannot be of what the norm makes; empty if they can. */
  private Optional<String> foreign(float[] inputs) throws IOException {
    if (!place.normalized()) {
      return Optional.empty();
    }
    Side norm = place.divided().get(0);
    float[] values = values(norm.tensor());
    double sum = 0;
    int count = 0;
    for (int c = 0; c < values.length; c++) {
      double weight = (double) values[c] + norm.plus();
      if (weight != 0) {
        sum += inputs[c] * inputs[c] / (weight * weight);
        count++;
      }
    }
    double mean = sum / Math.max(1, count);
    return mean >= LEAST_SQUARE && mean <= GREATEST_SQUARE
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "its statistics are not of what %s makes: the mean square before its weight would"
                    + " be %.3g, and a norm makes it 1",
                norm.tensor().name(),
                mean));
  }

  private float[] factors(float[] inputs, float[] ofWeights, double power) {
    float[] factors = new float[inputs.length];
    float most = greatest(inputs);
    float mostOfWeights = greatest(ofWeights);
    double least = Double.POSITIVE_INFINITY;
    double greatest = 0;
    double[] exact = new double[inputs.length];
    for (int c = 0; c < inputs.length; c++) {
      double s = StrictMath.pow(floored(inputs[c], most), power);
      if (smooth) {
        s /= StrictMath.pow(floored(ofWeights[c], mostOfWeights), 1 - power);
      }
      exact[c] = s;
      least = Math.min(least, s);
      greatest = Math.max(greatest, s);
    }
    double unit = Math.sqrt(least) * Math.sqrt(greatest);
    for (int c = 0; c < factors.length; c++) {
      factors[c] = (float) (exact[c] / unit);
    }
    return factors;
  }

  /** A magnitude in parts of the greatest. */
  private static double floored(float value, float most) {
    return most == 0 ? 1 : Math.max(FLOOR, value / most);
  }

  private static float greatest(float[] values) {
    float most = 0;
    for (float value : values) {
      most = Math.max(most, value);
    }
    return most;
  }

  /** The factors that the rounded norm was really divided by; 1 where it would leave its type. */
  private float[] exact(float[] factors) throws IOException {
    if (place.isOwn()) {
      return factors;
    }
    Side norm = place.divided().get(0);
    if (norm.tensor().shape().rank() != 1) {
      return factors;
    }
    float[] values = values(norm.tensor());
    float[] divided = new float[values.length];
    for (int c = 0; c < divided.length; c++) {
      divided[c] = (values[c] + norm.plus()) / factors[c] - norm.plus();
    }
    byte[] bytes = new byte[divided.length * norm.tensor().type().cellBytes()];
    FloatBytes.narrow(norm.tensor().type(), divided, 0, divided.length, bytes, 0);
    float[] rounded = widened(norm.tensor().type(), ByteBuffer.wrap(bytes), divided.length);
    float[] exact = factors.clone();
    for (int c = 0; c < exact.length; c++) {
      float before = values[c] + norm.plus();
      float after = rounded[c] + norm.plus();
      if (before == 0) {
        continue;
      }
      float factor = before / after;
      exact[c] = factor > 0 && Float.isFinite(factor) && Float.isFinite(after) ? factor : 1;
      // A subnormal number may be far from what it was rounded from.
      if (exact[c] > 2 * factors[c] || exact[c] < factors[c] / 2) {
        exact[c] = 1;
      }
    }
    return exact;
  }

  private float[] values(TensorInfo tensor) throws IOException {
    int count = Math.toIntExact(tensor.shape().elements());
    return widened(tensor.type(), source.read(tensor, 0, Math.toIntExact(tensor.bytes())), count);
  }

  private static float[] widened(ElementType type, ByteBuffer bytes, int count) {
    float[] values = new float[count];
    FloatBytes.widen(type, bytes.order(ByteOrder.LITTLE_ENDIAN), values, 0, count);
    return values;
  }

  /** The greatest magnitude of each column of all weights. */
  private float[] columnMaxima() throws IOException {
    int cols = place.size();
    float[] maxima = new float[cols];
    float[] rows = new float[Math.multiplyExact(ROWS, cols)];
    for (Weight weight : weights) {
      WeightMatrix matrix = weight.matrix();
      for (long first = 0; first < matrix.rowCount(); first += ROWS) {
        int height = (int) Math.min(ROWS, matrix.rowCount() - first);
        source.readRows(matrix, new RowRange(first, height), rows);
        for (int i = 0; i < height * cols; i++) {
          maxima[i % cols] = Math.max(maxima[i % cols], Math.abs(rows[i]));
        }
      }
    }
    return maxima;
  }
}

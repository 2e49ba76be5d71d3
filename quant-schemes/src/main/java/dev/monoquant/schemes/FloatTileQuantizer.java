package dev.monoquant.schemes;

import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Kernels;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import dev.monoquant.tile.Tile;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Encodes tiles as floats of 4 or 8 bits, in plain loops over scratch arrays that fit in the L1
 * cache; {@link AffineKernels} describes why they are fast. Immutable and thread-safe.
 */
final class FloatTileQuantizer implements TileQuantizer {

  /** Columns of a block that are worth a call. */
  private static final int SHORT = 32;

  private final FloatSpec spec;
  private final ScaleRule rule;
  private final Map<String, byte[]> whole;
  private final float[] one;
  private final Calibrated calibrated;

  /**
   * Whether quotients are rounded to the precision by splitting, as {@link AffineKernels} says:
   * their digits are right, and what is below the normal range of the precision becomes 0 in E4M3
   * either way. The divisors have the digits of the precision.
   */
  private final boolean splits;

  /** For a weight whose blocks have scales of their own. */
  FloatTileQuantizer(
      FloatSpec spec, ScaleRule rule, Map<String, byte[]> whole, Calibrated calibrated) {
    this.spec = spec;
    this.calibrated = calibrated;
    this.rule = rule;
    this.whole = Map.copyOf(whole);
    this.one = new float[0];
    this.splits = splits(spec);
  }

  /**
   * For a weight with a single scale.
   *
   * @param greatest the largest magnitude in the weight
   */
  FloatTileQuantizer(FloatSpec spec, ScaleRule rule, float greatest) {
    this.spec = spec;
    this.calibrated = Calibrated.NOT;
    this.rule = rule;
    this.one = new float[] {greatest};
    this.splits = splits(spec);
    scales(one, 0);
    this.whole = Map.of(spec.scale().name(), bytes(one));
  }

  private static boolean splits(FloatSpec spec) {
    return spec.roundsQuotients()
        && spec.precision() != Precision.FLOAT32
        && spec.code() == FloatCode.E4M3;
  }

  @Override
  public Map<String, byte[]> tensorParts() {
    return whole;
  }

  @Override
  public EncodedTile quantize(Tile tile) {
    float[] values = tile.values();
    int height = tile.height();
    float[] scales = spec.perTensor() ? one : BlockMaxima.of(spec, values, height);
    if (!spec.perTensor()) {
      scales(scales, tile.firstRow());
      search(scales, values, height);
    }
    float[] divisors = divisors(scales);
    InputFactor factor = calibrated.factor();
    byte[] codes =
        factor == null
            ? nearest(values, height, divisors)
            : FeedbackRounding.round(
                factor, tile, (col, v, column) -> round(divisors, col, v, column));
    refuseInfinite(divisors, codes, tile.firstRow());
    Map<String, byte[]> parts = new LinkedHashMap<>();
    parts.put(Part.CODES, codes);
    if (!spec.perTensor()) {
      parts.put(spec.scale().name(), bytes(scales));
    }
    return EncodedTile.of(tile, parts);
  }

  @Override
  public Optional<String> warning() {
    return calibrated.warning();
  }

  /** Rounds a column to nearest; the values become what the codes decode to. */
  private void round(float[] divisors, int col, float[] v, byte[] codes) {
    int count = v.length;
    float[] divisor = new float[count];
    float[] quotient = new float[count];
    for (int row = 0; row < count; row++) {
      divisor[row] = divisors[spec.index(row, col)];
    }
    encode(v, divisor, quotient, count, codes, 0);
    for (int row = 0; row < count; row++) {
      v[row] = spec.precision().round(spec.code().type().decode(codes[row]) * divisor[row]);
    }
  }

  private byte[] nearest(float[] values, int height, float[] divisors) {
    byte[] codes = new byte[Math.multiplyExact(height, spec.cols())];
    Kernels kernels = BoundKernels.current();
    if (kernels != BoundKernels.JVM && isOfOneDivisor()) {
      blocks(kernels, height, values, divisors, codes);
    } else {
      chunks(height, values, divisors, codes);
    }
    return codes;
  }

  /** Whether codes follow from the divisor of their block as {@link Kernels#float8Codes} says. */
  private boolean isOfOneDivisor() {
    boolean rounds = spec.roundsQuotients() && spec.precision() != Precision.FLOAT32;
    return spec.code() != FloatCode.E2M1 && (splits || !rounds) && spec.colsPerScale() >= SHORT;
  }

  /** Block by block. */
  private void blocks(Kernels kernels, int height, float[] values, float[] divisors, byte[] codes) {
    float step = splits ? spec.precision().step() : 1;
    int cols = spec.cols();
    int width = Math.min(cols, spec.colsPerScale());
    for (int row = 0; row < height; row++) {
      for (int col = 0; col < cols; col += width) {
        int count = Math.min(width, cols - col);
        int at = row * cols + col;
        float divisor = divisors[spec.index(row, col)];
        kernels.float8Codes(spec.code().type(), values, at, count, divisor, step, codes, at);
      }
    }
  }

  /** Many values at a time, each with the divisor of its block. */
  private void chunks(int height, float[] values, float[] divisors, byte[] codes) {
    int cols = spec.cols();
    int chunk = Math.min(cols, AffineKernels.CHUNK);
    float[] v = new float[chunk];
    float[] divisor = new float[chunk];
    float[] quotient = new float[chunk];
    for (int row = 0; row < height; row++) {
      for (int col = 0; col < cols; col += chunk) {
        int count = Math.min(chunk, cols - col);
        int at = row * cols + col;
        System.arraycopy(values, at, v, 0, count);
        spread(divisors, row, col, count, divisor);
        encode(v, divisor, quotient, count, codes, at);
      }
    }
  }

  /** Encodes values; overwrites them. */
  private void encode(
      float[] v, float[] divisor, float[] quotient, int count, byte[] codes, int at) {
    divide(v, divisor, quotient, count);
    if (spec.code() == FloatCode.E2M1) {
      // A quotient that underflowed has lost its sign.
      System.arraycopy(quotient, 0, v, 0, count);
    }
    if (splits) {
      spec.code().encodeShort(v, quotient, count, codes, at);
    } else {
      spec.code().encode(v, quotient, count, codes, at);
    }
  }

  private void divide(float[] v, float[] divisor, float[] quotient, int count) {
    if (splits) {
      float split = spec.precision().step() + 1;
      for (int i = 0; i < count; i++) {
        float q = v[i] / divisor[i];
        float high = q * split;
        quotient[i] = high + (q - high);
      }
      return;
    }
    for (int i = 0; i < count; i++) {
      quotient[i] = v[i] / divisor[i];
    }
    if (spec.roundsQuotients() && spec.precision() != Precision.FLOAT32) {
      FloatCode.round(quotient, count, spec.precision());
    }
  }

  private float[] divisors(float[] scales) {
    float[] divisors = new float[scales.length];
    for (int i = 0; i < scales.length; i++) {
      divisors[i] = rule.divisor(scales[i]);
    }
    return divisors;
  }

  /**
   * Replaces scales by those of the candidates with the least sum of squared errors in their block,
   * the first of equal ones.
   */
  private void search(float[] scales, float[] values, int height) {
    if (rule.candidates() == 1) {
      return;
    }
    float[] ofRange = scales.clone();
    double[] least = errors(scales, values, height);
    float[] tried = new float[scales.length];
    for (int number = 1; number < rule.candidates(); number++) {
      for (int i = 0; i < tried.length; i++) {
        float candidate = rule.candidate(ofRange[i], number);
        float most = spec.precision().round(rule.divisor(candidate) * spec.code().max());
        tried[i] = Float.isFinite(most) ? candidate : ofRange[i];
      }
      double[] errors = errors(tried, values, height);
      for (int i = 0; i < tried.length; i++) {
        if (errors[i] < least[i]) {
          least[i] = errors[i];
          scales[i] = tried[i];
        }
      }
    }
  }

  /** The sum of squared errors of each block, whose values are added from left to right. */
  private double[] errors(float[] scales, float[] values, int height) {
    float[] divisors = divisors(scales);
    double[] errors = new double[scales.length];
    int cols = spec.cols();
    int chunk = Math.min(cols, AffineKernels.CHUNK);
    float[] v = new float[chunk];
    float[] divisor = new float[chunk];
    float[] error = new float[chunk];
    int size = spec.colsPerScale();
    for (int row = 0; row < height; row++) {
      for (int col = 0; col < cols; col += chunk) {
        int count = Math.min(chunk, cols - col);
        System.arraycopy(values, row * cols + col, v, 0, count);
        spread(divisors, row, col, count, divisor);
        divide(v, divisor, error, count);
        spec.code().errors(error, divisor, v, count);
        if (calibrated.squares().length > 0) {
          System.arraycopy(calibrated.squares(), col, v, 0, count);
          for (int i = 0; i < count; i++) {
            error[i] *= v[i];
          }
        }
        for (int done = 0; done < count; ) {
          int end = Math.min(count, done + size - (col + done) % size);
          int block = spec.index(row, col + done);
          double sum = errors[block];
          for (int i = done; i < end; i++) {
            sum += error[i];
          }
          errors[block] = sum;
          done = end;
        }
      }
    }
    return errors;
  }

  /** Replaces the largest magnitudes of blocks by their scales. */
  private void scales(float[] greatest, long firstRow) {
    rule.scales(greatest);
    for (int i = 0; i < greatest.length; i++) {
      if (!Float.isFinite(greatest[i])) {
        throw new ValidationException(
            String.format(
                "tensor %s, %s: its largest magnitude has no scale in %s. Keep this weight, or cast"
                    + " it to a type with a wider range first",
                QuantException.quote(spec.tensor()),
                spec.where(firstRow, i),
                spec.precision().type().wire()));
      }
    }
  }

  private byte[] bytes(float[] scales) {
    if (spec.scale().type() != ElementType.FLOAT8_E4M3) {
      return spec.scale().toBytes(scales);
    }
    byte[] bytes = new byte[scales.length];
    FloatCode.E4M3.encode(scales, scales.clone(), scales.length, bytes, 0);
    return bytes;
  }

  /** Writes the divisor of each value of a part of a row. */
  private void spread(float[] divisors, int row, int col, int count, float[] to) {
    int size = spec.colsPerScale();
    for (int done = 0; done < count; ) {
      int end = Math.min(count, done + size - (col + done) % size);
      Arrays.fill(to, done, end, divisors[spec.index(row, col + done)]);
      done = end;
    }
  }

  /**
   * At the end of the range of the weight's type, the product of a code and a rounded scale may
   * exceed it. The peers then decode to infinity; this refuses the weight.
   */
  private void refuseInfinite(float[] divisors, byte[] codes, long firstRow) {
    float most = 0;
    for (float divisor : divisors) {
      most = Math.max(most, divisor);
    }
    if (Float.isFinite(spec.precision().round(most * spec.code().max()))) {
      return;
    }
    for (int i = 0; i < codes.length; i++) {
      int index = spec.index(i / spec.cols(), i % spec.cols());
      float level = spec.code().type().decode(codes[i]);
      if (!Float.isFinite(spec.precision().round(level * divisors[index]))) {
        throw new ValidationException(
            String.format(
                "tensor %s, %s: code %s times scale %s is beyond %s. Cast this weight to a type"
                    + " with a wider range first, or keep it",
                QuantException.quote(spec.tensor()),
                spec.where(firstRow, index),
                level,
                divisors[index],
                spec.precision().type().wire()));
      }
    }
  }
}

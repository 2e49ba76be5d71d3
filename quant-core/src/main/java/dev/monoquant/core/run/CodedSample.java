package dev.monoquant.core.run;

import dev.monoquant.core.settings.InputFacts;
import dev.monoquant.core.settings.OwnOptions;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.work.TileBuffers;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.Compute;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.Fit;
import dev.monoquant.spi.Need;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.Scheme;
import dev.monoquant.spi.TileDecoder;
import dev.monoquant.spi.TileQuantizer;
import dev.monoquant.tile.EncodedTile;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Encodes and decodes some rows of a weight as if they were all of it, to see what a change of the
 * weight does to its codes. A method that needs the Gram matrix of the inputs, whose factors take
 * long to make, is replaced by rounding to nearest. Thread-safe.
 */
public final class CodedSample {

  private final Scheme scheme;
  private final EncodedWeight weight;
  private final Set<Need> needs;
  private final TileDecoder decoder;
  private final Compute compute;
  private final int rows;
  private final int cols;

  private CodedSample(Scheme scheme, EncodedWeight weight, Compute compute) {
    this.scheme = scheme;
    this.weight = weight;
    this.needs = InputFacts.all(scheme, weight.options());
    this.decoder = scheme.decoderOf(weight);
    this.compute = compute;
    this.rows = Math.toIntExact(weight.matrix().rowCount());
    this.cols = Math.toIntExact(weight.matrix().columnCount());
  }

  /**
   * {@return the encoding of some rows; empty if the scheme takes no such matrix}
   *
   * @param like the whole weight
   * @param rows the number of rows
   */
  public static Optional<CodedSample> of(Settings settings, EncodedWeight like, int rows) {
    Scheme scheme = settings.plugins().scheme(like.scheme());
    WeightMatrix all = like.matrix();
    WeightMatrix some =
        new WeightMatrix(
            all.layer(),
            all.kind(),
            all.param(),
            new TensorInfo(
                all.tensor().name(), all.tensor().type(), TensorShape.of(rows, all.columnCount())),
            0);
    OptionValues options = withoutGram(scheme, some, like.options());
    if (scheme.needs(options).contains(Need.INPUT_GRAM)
        || !(scheme.fit(some, options) instanceof Fit.Fits fits)) {
      return Optional.empty();
    }
    EncodedWeight weight = new EncodedWeight(some, scheme.id(), options, fits.encoding());
    return Optional.of(new CodedSample(scheme, weight, settings.compute()));
  }

  /**
   * The options with the defaults of those that need a Gram matrix, and of those that need them.
   */
  private static OptionValues withoutGram(Scheme scheme, WeightMatrix some, OptionValues options) {
    Map<String, String> defaults = new HashMap<>();
    for (OptionSpec<?> spec : OwnOptions.of(scheme).specs()) {
      defaults.put(spec.name(), spec.examples().get(0));
    }
    for (Map.Entry<String, String> reset : defaults.entrySet()) {
      if (!scheme.needs(options).contains(Need.INPUT_GRAM)) {
        return options;
      }
      OptionValues other = options.with(Map.of(reset.getKey(), reset.getValue()));
      if (!scheme.needs(other).contains(Need.INPUT_GRAM)) {
        for (OptionSpec<?> spec : OwnOptions.of(scheme).specs()) {
          if (scheme.fit(some, other) instanceof Fit.Fits) {
            break;
          }
          OptionValues less = other.with(Map.of(spec.name(), spec.examples().get(0)));
          other = scheme.needs(less).contains(Need.INPUT_GRAM) ? other : less;
        }
        return other;
      }
    }
    return options;
  }

  /** {@return whether the codes depend on the range of other weights that loaders merge with it} */
  public boolean needsFamily() {
    return needs.contains(Need.FAMILY_RANGE);
  }

  /** {@return the least and the greatest value} */
  public static Facts.Range range(float[] values) {
    float min = Float.POSITIVE_INFINITY;
    float max = Float.NEGATIVE_INFINITY;
    for (float value : values) {
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    return new Facts.Range(min, max);
  }

  /**
   * {@return what rows decode to}
   *
   * @param values the rows, finite, row-major; not changed
   * @param family the range of the rows and of those of other weights
   * @param squares the mean square of each column of the inputs
   */
  public float[] decoded(float[] values, Facts.Range family, float[] squares) {
    Facts facts = Facts.NONE;
    if (needs.contains(Need.TENSOR_RANGE)) {
      Facts.Range own = range(values);
      facts = facts.withRange(own.min(), own.max());
    }
    if (needs.contains(Need.FAMILY_RANGE)) {
      facts = facts.withFamilyRange(family.min(), family.max());
    }
    if (needs.contains(Need.TENSOR_SAMPLE)) {
      int step = Math.toIntExact(Facts.sampleStep(values.length));
      float[] sample = new float[(values.length + step - 1) / step];
      for (int i = 0; i < sample.length; i++) {
        sample[i] = values[i * step];
      }
      facts = facts.withSample(sample);
    }
    if (needs.contains(Need.INPUT_SQUARES)) {
      facts = facts.withInputSquares(squares);
    }
    TileQuantizer quantizer = scheme.begin(weight.matrix(), weight.options(), facts, compute);
    EncodedTile coded;
    try (SourceTile tile =
        new SourceTile(weight.matrix(), 0, rows, cols, values, new TileBuffers())) {
      coded = quantizer.quantize(tile);
    }
    float[] decoded = new float[values.length];
    decoder.decode(coded.with(quantizer.tensorParts()), decoded);
    return decoded;
  }
}

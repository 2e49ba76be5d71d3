package dev.monoquant.spi;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Part;
import java.util.Optional;

/**
 * A weight with the way it is, or will be, quantized and stored.
 *
 * @param matrix the weight, with the name, type and shape it has as a float tensor
 * @param scheme the scheme that made the codes
 * @param options the resolved options of the scheme
 * @param encoding the parts
 * @param storage the options of the output format for this weight, see {@link
 *     OutputFormat#options()}; empty if the format has none or is not chosen yet
 * @param script the TorchScript that decodes the parts, see {@link Scheme#torchScript}
 * @param activations how the inputs of its layer are quantized while the model runs, as outputs
 *     tell it; decoding ignores it
 */
public record EncodedWeight(
    WeightMatrix matrix,
    SchemeId scheme,
    OptionValues options,
    Encoding encoding,
    OptionValues storage,
    Optional<String> script,
    Optional<ActivationQuantization> activations) {

  /** Checks that nothing is null, and that a group index or factors are as long as a row. */
  public EncodedWeight {
    requireNonNull(matrix, "matrix");
    requireNonNull(scheme, "scheme");
    requireNonNull(options, "options");
    requireNonNull(encoding, "encoding");
    requireNonNull(script, "script");
    requireNonNull(storage, "storage");
    requireNonNull(activations, "activations");
    encoding.groupIndex().ifPresent(part -> requireRow(matrix, "a group index", part));
    encoding.columnFactors().ifPresent(part -> requireRow(matrix, "factors", part));
  }

  /** {@return a hash of the name, by which weights differ; that of all parts takes far longer} */
  @Override
  public int hashCode() {
    return name().hashCode();
  }

  private static void requireRow(WeightMatrix matrix, String what, Part part) {
    long length = part.shape(1, 1).dim(0);
    if (length != matrix.columnCount()) {
      throw new IllegalArgumentException(
          matrix.tensor().name()
              + ": "
              + what
              + " of "
              + length
              + " numbers for "
              + matrix.columnCount()
              + " columns");
    }
  }

  /**
   * Makes a weight whose layer's inputs are not quantized.
   *
   * @param matrix the weight
   * @param scheme the scheme that made the codes
   * @param options the resolved options
   * @param encoding the parts
   * @param storage the options of the output format
   * @param script the TorchScript that decodes the parts
   */
  public EncodedWeight(
      WeightMatrix matrix,
      SchemeId scheme,
      OptionValues options,
      Encoding encoding,
      OptionValues storage,
      Optional<String> script) {
    this(matrix, scheme, options, encoding, storage, script, Optional.empty());
  }

  /**
   * Makes a weight without storage options and TorchScript.
   *
   * @param matrix the weight
   * @param scheme the scheme that made the codes
   * @param options the resolved options
   * @param encoding the parts
   */
  public EncodedWeight(
      WeightMatrix matrix, SchemeId scheme, OptionValues options, Encoding encoding) {
    this(matrix, scheme, options, encoding, OptionValues.DEFAULTS, Optional.empty());
  }

  /** {@return the full name of the weight} */
  public String name() {
    return matrix.tensor().name();
  }

  /**
   * {@return this weight with other storage options}
   *
   * @param values options of the output format
   */
  public EncodedWeight withStorage(OptionValues values) {
    return new EncodedWeight(matrix, scheme, options, encoding, values, script, activations);
  }

  /**
   * {@return this weight with other parts}
   *
   * @param other the parts and what they mean
   */
  public EncodedWeight withEncoding(Encoding other) {
    return new EncodedWeight(matrix, scheme, options, other, storage, script, activations);
  }

  /**
   * {@return this weight with other options of its scheme}
   *
   * @param values every option of the scheme
   */
  public EncodedWeight withOptions(OptionValues values) {
    return new EncodedWeight(matrix, scheme, values, encoding, storage, script, activations);
  }

  /**
   * {@return this weight with other activations}
   *
   * @param inputs how the inputs of its layer are quantized; empty if they are not
   */
  public EncodedWeight withActivations(Optional<ActivationQuantization> inputs) {
    return new EncodedWeight(matrix, scheme, options, encoding, storage, script, inputs);
  }
}

package dev.monoquant.spi;

import dev.monoquant.PluginException;
import dev.monoquant.QuantException;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.Formula;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Converts weights to codes and back.
 *
 * <p>A scheme is a named, stateless factory. The immutable, thread-safe workers that it returns do
 * the work; each call handles one tile, and several threads call a worker at once. The codes of a
 * tile depend only on the values of that tile, the options and the facts, not on other tiles, their
 * order, or the tile's height.
 *
 * <p>What this does not do: it does not read or write files, does not pack codes into less than a
 * byte, and does not choose the layers to quantize.
 */
public interface Scheme {

  /** {@return name and version, written to every output} */
  SchemeId id();

  /**
   * The options that users may set: those of {@link CommonOptions} that the scheme supports, and
   * others. The framework refuses any other option and any value that the description does not
   * allow before it calls the scheme; the scheme always receives complete options, without those
   * that are {@linkplain OptionSpec#implied implied}.
   *
   * @return the descriptions, names unique, the same at each call
   */
  default List<OptionSpec<?>> options() {
    return List.of();
  }

  /**
   * The default options for a weight. A scheme whose defaults depend on the weight overrides this
   * method, and may return only the options that differ from their description.
   *
   * @param weight the weight
   * @return values that {@link #options} allows
   */
  default OptionValues defaults(WeightMatrix weight) {
    return OptionValues.defaults(options());
  }

  /**
   * Whether the scheme can quantize a weight, from shapes and options alone. The result holds the
   * parts of the quantized weight, or the reason why not and options that fit. The framework has
   * already checked the values of the options, so only conditions on the weight remain.
   *
   * <p>The scheme decides whether the group size must divide the number of columns: if it must, the
   * scheme returns {@link Fit#raggedGroups}.
   *
   * @param weight the weight
   * @param options complete options
   * @return the result, the same for the same weight and options
   */
  Fit fit(WeightMatrix weight, OptionValues options);

  /**
   * The statistics that the scheme needs before the first tile. {@linkplain Need#isOfInputs
   * Statistics of inputs} require a run with a {@link Calibration}; a weight that it lacks them for
   * is named in a warning, and the scheme quantizes it without them.
   *
   * @param options complete options
   * @return the needs; empty if there are none
   */
  default Set<Need> needs(OptionValues options) {
    return Set.of();
  }

  /**
   * The {@linkplain Need#isOfInputs statistics of inputs} that the scheme uses if the run has a
   * {@link Calibration}, but does not require.
   *
   * @param options complete options
   * @return statistics of inputs; empty if there are none
   */
  default Set<Need> uses(OptionValues options) {
    return Set.of();
  }

  /**
   * Starts to quantize a weight.
   *
   * @param weight the weight
   * @param options the options that {@link #fit} accepted
   * @param facts the statistics that {@link #needs} and {@link #uses} requested
   * @param compute where to do the arithmetic, for schemes that support both; does not affect the
   *     codes
   * @return an immutable, thread-safe worker
   */
  TileQuantizer begin(WeightMatrix weight, OptionValues options, Facts facts, Compute compute);

  /**
   * The decoder, for validation, tests and readers. It receives only the parts, not the original
   * weight. Called only for encodings with {@link Formula.Opaque}, whose scheme must return a
   * decoder; the framework decodes all other formulas.
   *
   * @param weight the weight
   * @param options the options it was quantized with
   * @return an immutable, thread-safe worker; empty to use the formula
   */
  default Optional<TileDecoder> decoder(WeightMatrix weight, OptionValues options) {
    return Optional.empty();
  }

  /**
   * The decoder of a weight that this scheme quantized: for its formula, or {@link #decoder} if the
   * formula is opaque. Implementations do not override it.
   *
   * @param weight the weight
   * @return an immutable, thread-safe worker
   * @throws PluginException if the formula is opaque and the scheme has no decoder
   */
  default TileDecoder decoderOf(EncodedWeight weight) {
    if (!(weight.encoding().formula() instanceof Formula.Opaque)) {
      return TileDecoder.ofFormula(weight);
    }
    return decoder(weight.matrix(), weight.options())
        .orElseThrow(
            () ->
                new PluginException(
                    "scheme "
                        + weight.scheme()
                        + " on "
                        + QuantException.quote(weight.name())
                        + ": its formula is opaque, so it must supply a decoder, but it has none"));
  }

  /**
   * The bound on the difference between decoded values and their originals. Every run is checked
   * against it.
   *
   * @param weight the weight
   * @param options the options it was quantized with, which {@link #fit} accepts
   * @return an immutable, thread-safe worker
   */
  default ErrorBound bound(WeightMatrix weight, OptionValues options) {
    return ErrorBound.NONE;
  }

  /**
   * The decoder in TorchScript, for outputs that PyTorch runs without this library: the body of a
   * function whose parameters are the parts by name, and whose result is the weight, FLOAT32 of
   * shape (rows, cols). Called only for encodings with {@link Formula.Opaque}; output formats
   * generate the code for all other formulas. Its results must equal those of {@link #decoder} as
   * defined by {@link ScriptRunner#isSame}; otherwise the output is refused.
   *
   * <p>A part is a tensor of its shape; codes of less than 8 bits are unpacked to INT8, or UINT8 if
   * they are unsigned. Lines are separated by {@code \n} and not indented. Example for codes with a
   * scale for each row:
   *
   * <pre>{@code
   * return torch.mul(torch.to(codes, 6), scale)
   * }</pre>
   *
   * @param weight the weight
   * @param options the options it is quantized with
   * @return the body; empty if there is none, then such outputs store the weight in float
   */
  default Optional<String> torchScript(WeightMatrix weight, OptionValues options) {
    return Optional.empty();
  }
}

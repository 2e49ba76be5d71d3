package dev.monoquant.spi;

import dev.monoquant.model.WeightMatrix;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Numbers to codes and back.
 *
 * <p>A scheme is a named, stateless factory; the work is done by the immutable, thread-safe workers
 * it returns, one tile at a time, several tiles at once. The codes of a tile depend on the numbers
 * of that tile, the options and the facts alone: not on other tiles, their order, or the tile's
 * height.
 *
 * <p>What this does not do: it reads and writes no files, packs nothing below a byte, and decides
 * nothing about which layers are quantized.
 */
public interface Scheme {

  /** {@return name and version, written into every output} */
  SchemeId id();

  /**
   * The options that users may set, described: those of {@link CommonOptions} that the scheme has,
   * and its own. Any other is refused, and so is a value that the description does not allow,
   * before the scheme is asked for anything; what arrives is complete.
   *
   * @return the descriptions, names unique, the same at each call
   */
  default List<OptionSpec<?>> options() {
    return List.of();
  }

  /**
   * The options that hold where the configuration says nothing. A scheme whose defaults depend on
   * the weight overrides this, and may name only those that differ from their description.
   *
   * @param weight the weight
   * @return values that {@link #options} allows
   */
  default OptionValues defaults(WeightMatrix weight) {
    return OptionValues.defaults(options());
  }

  /**
   * Whether it can take a weight, from shapes and options alone: the parts that it makes of it, or
   * why it cannot, and which options it could. Options whose values are not allowed never arrive
   * here; what is left to say is what depends on the weight.
   *
   * <p>Groups of columns that do not divide the columns are the scheme's to allow: one that takes
   * ragged groups says so by fitting, one that does not answers {@link Fit#raggedGroups}.
   *
   * @param weight the weight
   * @param options complete options
   * @return the answer, the same for the same weight and options
   */
  Fit fit(WeightMatrix weight, OptionValues options);

  /**
   * What must be known before the first tile.
   *
   * @param options complete options
   * @return the needs; empty if tiles can start at once
   */
  default Set<Need> needs(OptionValues options) {
    return Set.of();
  }

  /**
   * Starts to quantize a weight.
   *
   * @param weight the weight
   * @param options the options that {@link #fit} accepted
   * @param facts what {@link #needs} asked for
   * @param compute where to do the arithmetic, for schemes that have a choice; never changes
   *     numbers
   * @return an immutable, thread-safe worker
   */
  TileQuantizer begin(WeightMatrix weight, OptionValues options, Facts facts, Compute compute);

  /**
   * The inverse, for validation, tests and readers. It sees parts only, never the original. Asked
   * of schemes with {@link dev.monoquant.tile.Formula.Opaque} only, which must bring one; any other
   * formula is decoded by the framework.
   *
   * @param weight the weight
   * @param options the options it was quantized with
   * @return an immutable, thread-safe worker; empty for that of the formula
   */
  default Optional<TileDecoder> decoder(WeightMatrix weight, OptionValues options) {
    return Optional.empty();
  }

  /**
   * How far decoded numbers may be from their originals. Every run is checked against it.
   *
   * @param weight the weight
   * @param options the options it was quantized with, which {@link #fit} accepts
   * @return an immutable, thread-safe worker
   */
  default ErrorBound bound(WeightMatrix weight, OptionValues options) {
    return ErrorBound.NONE;
  }

  /**
   * The inverse once more, in TorchScript, for outputs that are run by PyTorch without this
   * library: the body of a function whose parameters are the parts by their names, and whose result
   * is the weight, FLOAT32 of shape (rows, cols). Asked of schemes with {@link
   * dev.monoquant.tile.Formula.Opaque} only; any other formula is known to the output formats. It
   * must come to the numbers of {@link #decoder}; an output is not accepted if it does not, see
   * {@link ScriptRunner#isSame}.
   *
   * <p>A part arrives as a tensor of its shape; codes of less than 8 bits are unpacked to INT8, or
   * UINT8 if they are unsigned. Lines are separated by {@code \n} and not indented. Of codes with a
   * scale for each row it would be
   *
   * <pre>{@code
   * return torch.mul(torch.to(codes, 6), scale)
   * }</pre>
   *
   * @param weight the weight
   * @param options the options it is quantized with
   * @return the body; empty if there is none, and such outputs keep the weight in float
   */
  default Optional<String> torchScript(WeightMatrix weight, OptionValues options) {
    return Optional.empty();
  }
}

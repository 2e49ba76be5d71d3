package dev.monoquant.spi;

import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.Encoding;
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
   * The options that hold where the configuration says nothing.
   *
   * @param rows the weight
   * @return complete options
   */
  Options defaults(WeightMatrix rows);

  /**
   * The parts this scheme makes, from shapes and options alone.
   *
   * @param rows the weight
   * @param options complete options
   * @return the parts
   * @throws dev.monoquant.ConfigurationException if the options do not fit this scheme or this
   *     weight; the message says what is allowed
   */
  Encoding encoding(WeightMatrix rows, Options options);

  /**
   * What must be known before the first tile.
   *
   * @param options complete options
   * @return the needs; empty if tiles can start at once
   */
  default Set<Need> needs(Options options) {
    return Set.of();
  }

  /**
   * The options of this scheme's own, described. Any other is refused, and so is a value that the
   * description does not allow; what arrives in {@link Options#extra()} is complete.
   *
   * @return the descriptions, names unique, the same at each call
   */
  default List<OptionSpec<?>> options() {
    return List.of();
  }

  /**
   * Starts to quantize a weight.
   *
   * @param rows the weight
   * @param options the options that {@link #encoding} accepted
   * @param facts what {@link #needs} asked for
   * @return an immutable, thread-safe worker
   */
  TileQuantizer begin(WeightMatrix rows, Options options, Facts facts);

  /**
   * The inverse, for validation, tests and readers. It sees parts only, never the original. A
   * scheme whose {@link Encoding#formula()} says it all brings none; one with {@link
   * dev.monoquant.tile.Formula.Opaque} must.
   *
   * @param rows the weight
   * @param options the options it was quantized with
   * @return an immutable, thread-safe worker; empty for that of the formula
   */
  default Optional<TileDecoder> decoder(WeightMatrix rows, Options options) {
    return Optional.empty();
  }

  /**
   * How far decoded numbers may be from their originals. Every run is checked against it.
   *
   * @param rows the weight
   * @param options the options it was quantized with
   * @return an immutable, thread-safe worker
   */
  default ErrorBound bound(WeightMatrix rows, Options options) {
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
   * @param rows the weight
   * @param options the options it is quantized with
   * @return the body; empty if there is none, and such outputs keep the weight in float
   */
  default Optional<String> torchScript(WeightMatrix rows, Options options) {
    return Optional.empty();
  }
}

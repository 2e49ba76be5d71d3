package dev.monoquant.spi;

import dev.monoquant.model.WeightMatrix;
import java.io.Closeable;
import java.io.IOException;
import java.util.Optional;

/**
 * An output format, opened for a model. A run opens it once, calls {@link #unsupported} for every
 * weight while it plans, and requests a layout when the contents are known.
 *
 * <p>One thread uses it at a time. What this does not do: it does not write.
 */
public interface OutputSession extends Closeable {

  /**
   * Whether the format can store a quantized weight.
   *
   * @param weight the weight and its encoding
   * @return empty if it can; otherwise the reason, and the weight is left unquantized; the same at
   *     each call
   */
  Optional<String> unsupported(EncodedWeight weight);

  /**
   * Whether the format can store quantized weights of such a layer at all. Asked if the scheme's
   * options do not fit the weight, so that a weight which the format leaves unquantized need not
   * fit them.
   *
   * @param weight the weight
   * @return empty if it can, or if that depends on the encoding; otherwise the reason, as {@link
   *     #unsupported} gives it
   */
  default Optional<String> unsupportedLayer(WeightMatrix weight) {
    return Optional.empty();
  }

  /**
   * Whether a weight is left unquantized unless a rule selects its layer by name, or by a kind
   * other than Linear, or a layer map names it, as the usual writers of this format do.
   *
   * @param weight the weight
   * @return empty if not; otherwise the reason, which names the setting that overrides it
   */
  default Optional<String> keptByDefault(WeightMatrix weight) {
    return Optional.empty();
  }

  /**
   * Finds a choice of schemes for the weights of this model by its name.
   *
   * @param name a name in any case, such as {@code Q4_K_M}
   * @param calibrated whether the run has a {@link Calibration}
   * @return the choice; empty if the format has none of this name
   */
  default Optional<SchemeMix> mix(String name, boolean calibrated) {
    return Optional.empty();
  }

  /**
   * Computes where everything will be stored, from names, types and shapes alone.
   *
   * @param contents the contents to store; without weights that are {@link #unsupported}
   * @return the layout, valid until this session is closed
   * @throws IOException if reading fails
   * @throws dev.monoquant.OutputException if the contents conflict, such as two tensors with the
   *     same name
   */
  OutputLayout layout(OutputContents contents) throws IOException;

  /**
   * Releases resources of this session, but not the source.
   *
   * @throws IOException if closing fails
   */
  @Override
  void close() throws IOException;
}

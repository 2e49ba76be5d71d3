package dev.monoquant.spi;

import dev.monoquant.model.WeightMatrix;
import java.io.Closeable;
import java.io.IOException;
import java.util.Optional;

/**
 * An output format, opened on a model. It is opened once in a run and asked often: about every
 * weight while the run is planned, and for a layout when it is known what will be written.
 *
 * <p>Called by one thread at a time. What this does not do: it writes nothing.
 */
public interface OutputSession extends Closeable {

  /**
   * Whether the format can store a weight that is quantized in some way.
   *
   * @param weight the weight and its encoding
   * @return empty if it can; else the reason, and the weight is kept as it is; the same at each
   *     call
   */
  Optional<String> unsupported(EncodedWeight weight);

  /**
   * Whether a weight is kept as it is unless the configuration names its layer, as peers of this
   * format do it: a rule that selects it by name, or a layer map.
   *
   * @param weight the weight
   * @return empty if not; else the reason, which says what overrules it
   */
  default Optional<String> keptByDefault(WeightMatrix weight) {
    return Optional.empty();
  }

  /**
   * Works out where everything will be stored, from names, types and shapes alone.
   *
   * @param contents what will be stored; no weight in it is {@link #unsupported}
   * @return the layout; used before this session is closed
   * @throws IOException if reading fails
   * @throws dev.monoquant.OutputException if that cannot be stored together, such as two tensors of
   *     one name
   */
  OutputLayout layout(OutputContents contents) throws IOException;

  /**
   * Frees what this session holds; not the source.
   *
   * @throws IOException if that fails
   */
  @Override
  void close() throws IOException;
}

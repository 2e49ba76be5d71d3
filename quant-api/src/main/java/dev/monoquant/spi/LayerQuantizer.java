package dev.monoquant.spi;

import dev.monoquant.model.Layer;
import dev.monoquant.model.Rows;
import java.util.List;

/**
 * Says which tensors of a layer are weights to quantize, and which axis of each is the outputs.
 *
 * <p>What this does not do: it never sees data and chooses no scheme; the decision is from names,
 * kinds and shapes alone. Stateless and thread-safe.
 */
public interface LayerQuantizer {

  /** {@return the id, such as {@code linear}; third parties use {@code vendor/name}} */
  String id();

  /**
   * The weights of a layer, each as rows.
   *
   * @param layer any layer of a model
   * @return the weights to quantize; empty if this quantizer does not know the layer. All others of
   *     the layer's tensors (biases, say) are kept as they are
   */
  List<Rows> rows(Layer layer);

  /**
   * What symmetric-or-not means for this layer's weights where the configuration leaves it open.
   *
   * @param rows one of the rows returned for a layer
   * @return true for symmetric codes
   */
  default boolean symmetricByDefault(Rows rows) {
    return true;
  }
}

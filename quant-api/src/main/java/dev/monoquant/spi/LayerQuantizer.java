package dev.monoquant.spi;

import dev.monoquant.model.Layer;
import dev.monoquant.model.WeightMatrix;
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
  List<WeightMatrix> rows(Layer layer);

  /**
   * The options of this quantizer's own, described. Any other is refused, and so is a value that
   * the description does not allow; they are given like those of schemes, for all layers or by
   * rules for some.
   *
   * @return the descriptions, names unique, the same at each call
   */
  default List<OptionSpec<?>> options() {
    return List.of();
  }

  /**
   * The weights of a layer, each as rows, where options have a say in it. This is the method that
   * the framework calls; with {@link OptionValues#DEFAULTS} it is {@link #rows(Layer)}.
   *
   * @param layer any layer of a model
   * @param options a value for each of {@link #options()}
   * @return the weights to quantize; empty if this quantizer does not know the layer
   */
  default List<WeightMatrix> rows(Layer layer, OptionValues options) {
    return rows(layer);
  }

  /**
   * What symmetric-or-not means for this layer's weights where the configuration leaves it open.
   *
   * @param rows one of the rows returned for a layer
   * @return true for symmetric codes
   */
  default boolean symmetricByDefault(WeightMatrix rows) {
    return true;
  }
}

package dev.monoquant.spi;

import dev.monoquant.model.Layer;
import dev.monoquant.model.WeightMatrix;
import java.util.List;

/**
 * Selects the tensors of a layer to quantize, and the output axis of each.
 *
 * <p>What this does not do: it does not read data or choose a scheme; it decides from names, kinds
 * and shapes alone. Stateless and thread-safe.
 */
public interface LayerQuantizer {

  /** {@return the id, such as {@code linear}; third parties use {@code vendor/name}} */
  String id();

  /**
   * The weight matrices of a layer.
   *
   * @param layer any layer of a model
   * @return the weights to quantize; empty if this quantizer does not handle the layer. All other
   *     tensors of the layer (for example biases) are left unquantized
   */
  List<WeightMatrix> weights(Layer layer);

  /**
   * The options that this quantizer declares. The framework refuses any other option and any value
   * that the description does not allow. They are set like options of schemes, for all layers or by
   * rules for some.
   *
   * @return the descriptions, names unique, the same at each call
   */
  default List<OptionSpec<?>> options() {
    return List.of();
  }

  /**
   * The weight matrices of a layer under options. The framework calls this method; with {@link
   * OptionValues#DEFAULTS} it does the same as {@link #weights(Layer)}.
   *
   * @param layer any layer of a model
   * @param options a value for each of {@link #options()}
   * @return the weights to quantize; empty if this quantizer does not handle the layer
   */
  default List<WeightMatrix> weights(Layer layer, OptionValues options) {
    return weights(layer);
  }

  /**
   * Whether this layer's weights use symmetric codes if the configuration does not set it.
   *
   * @param weight one of the weight matrices returned for a layer
   * @return true for symmetric codes
   */
  default boolean symmetricByDefault(WeightMatrix weight) {
    return true;
  }
}

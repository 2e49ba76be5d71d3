package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import java.util.List;

/**
 * Delegates every call to another layer quantizer: a base class for decorators. It also delegates
 * default methods, so that no behaviour of the wrapped object is lost.
 */
public class ForwardingLayerQuantizer implements LayerQuantizer {

  private final LayerQuantizer inside;

  /**
   * Wraps a layer quantizer.
   *
   * @param inside the wrapped layer quantizer
   */
  public ForwardingLayerQuantizer(LayerQuantizer inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  @Override
  public String id() {
    return inside.id();
  }

  @Override
  public List<WeightMatrix> weights(Layer layer) {
    return inside.weights(layer);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return inside.options();
  }

  @Override
  public List<WeightMatrix> weights(Layer layer, OptionValues options) {
    return inside.weights(layer, options);
  }

  @Override
  public boolean symmetricByDefault(WeightMatrix rows) {
    return inside.symmetricByDefault(rows);
  }
}

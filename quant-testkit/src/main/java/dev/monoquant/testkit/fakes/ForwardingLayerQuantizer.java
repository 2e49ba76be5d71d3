package dev.monoquant.testkit.fakes;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.Layer;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.LayerQuantizer;
import dev.monoquant.spi.OptionSpec;
import dev.monoquant.spi.OptionValues;
import java.util.List;

/**
 * Hands every call to another layer quantizer: a base for decorators, which override what they
 * change. It forwards the methods with a default too, so that nothing of what is behind it is lost.
 */
public class ForwardingLayerQuantizer implements LayerQuantizer {

  private final LayerQuantizer inside;

  /**
   * Forwards to a layer quantizer.
   *
   * @param inside the layer quantizer behind this one
   */
  public ForwardingLayerQuantizer(LayerQuantizer inside) {
    this.inside = requireNonNull(inside, "inside");
  }

  @Override
  public String id() {
    return inside.id();
  }

  @Override
  public List<WeightMatrix> rows(Layer layer) {
    return inside.rows(layer);
  }

  @Override
  public List<OptionSpec<?>> options() {
    return inside.options();
  }

  @Override
  public List<WeightMatrix> rows(Layer layer, OptionValues options) {
    return inside.rows(layer, options);
  }

  @Override
  public boolean symmetricByDefault(WeightMatrix rows) {
    return inside.symmetricByDefault(rows);
  }
}

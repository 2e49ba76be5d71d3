package dev.monoquant.schemes.layers;

import com.google.auto.service.AutoService;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.LayerQuantizer;
import java.util.List;

/**
 * {@code conv}: convolutions of one to three dimensions, and transposed ones.
 *
 * <p>The {@code weight} of a convolution is (outputs, inputs / groups, k...), its rows axis 0; that
 * of a transposed one (inputs, outputs / groups, k...), its rows axis 1. In a grouped transposed
 * convolution a row holds one output channel of every group, see {@link WeightMatrix}.
 */
@AutoService(LayerQuantizer.class)
public final class ConvQuantizer implements LayerQuantizer {

  private static final List<WeightRule> RULES =
      List.of(
          WeightRule.of(LayerKind.CONV1D, "weight", 3, 0),
          WeightRule.of(LayerKind.CONV2D, "weight", 4, 0),
          WeightRule.of(LayerKind.CONV3D, "weight", 5, 0),
          WeightRule.of(LayerKind.CONV_TRANSPOSE1D, "weight", 3, 1),
          WeightRule.of(LayerKind.CONV_TRANSPOSE2D, "weight", 4, 1),
          WeightRule.of(LayerKind.CONV_TRANSPOSE3D, "weight", 5, 1));

  /** Makes the quantizer; it has no state. */
  public ConvQuantizer() {}

  @Override
  public String id() {
    return "conv";
  }

  @Override
  public List<WeightMatrix> weights(Layer layer) {
    return WeightRule.weights(layer, RULES);
  }
}

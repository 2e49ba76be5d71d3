package dev.monoquant.schemes.layers;

import com.google.auto.service.AutoService;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.LayerQuantizer;
import java.util.List;

/**
 * {@code linear}: matrix products.
 *
 * <table>
 * <caption>selected tensors</caption>
 * <tr><th>kind</th><th>tensors</th><th>shape</th><th>rows</th></tr>
 * <tr><td>Linear</td><td>weight</td><td>(outputs, inputs)</td><td>axis 0</td></tr>
 * <tr><td>Conv1D, of GPT-2</td><td>weight</td><td>(inputs, outputs)</td><td>axis 1</td></tr>
 * <tr><td>MultiheadAttention</td><td>in_proj_weight, or q_proj_weight, k_proj_weight and
 * v_proj_weight</td><td>(outputs, inputs)</td><td>axis 0</td></tr>
 * </table>
 *
 * <p>What this does not do: it does not select the {@code out_proj} of an attention, which is a
 * separate Linear, or the vectors {@code bias_k} and {@code bias_v}.
 */
@AutoService(LayerQuantizer.class)
public final class LinearQuantizer implements LayerQuantizer {

  private static final List<WeightRule> RULES =
      List.of(
          WeightRule.of(LayerKind.LINEAR, "weight", 2, 0),
          WeightRule.of(LayerKind.CONV1D_TRANSPOSED, "weight", 2, 1),
          WeightRule.of(LayerKind.MULTIHEAD_ATTENTION, "(in|[qkv])_proj_weight", 2, 0));

  /** Makes the quantizer; it has no state. */
  public LinearQuantizer() {}

  @Override
  public String id() {
    return "linear";
  }

  @Override
  public List<WeightMatrix> weights(Layer layer) {
    return WeightRule.weights(layer, RULES);
  }
}

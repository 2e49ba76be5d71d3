package dev.monoquant.io.scaling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ScaleMapping;
import dev.monoquant.testkit.contracts.ScaleMappingContract;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Example;

/** A block of Gemma 2: norms add 1, and one is after the attention. */
class GemmaScalingTest implements ScaleMappingContract {

  private static final String P = "model.layers.0.";
  private static final String NORM = "pre_feedforward_layernorm";

  @Override
  public ScaleMapping subject() {
    return new GemmaScaling();
  }

  @Override
  public ModelInfo model() {
    Map<String, TensorShape> shapes = PlainBlock.decoder(P, 2, NORM);
    shapes.put(P + "post_attention_layernorm.weight", TensorShape.of(8));
    shapes.put(P + "mlp.gate_proj.weight", TensorShape.of(12, 8));
    shapes.put(P + "mlp.up_proj.weight", TensorShape.of(12, 8));
    shapes.put(P + "mlp.down_proj.weight", TensorShape.of(8, 12));
    return PlainBlock.model(shapes);
  }

  @Override
  public double[] compute(Map<String, double[]> tensors, Random random) {
    PlainBlock block = new PlainBlock(tensors);
    double[][] x =
        block.each(
            block.attend(P, 1, PlainBlock.input(random)),
            token -> block.rmsNorm(P + "post_attention_layernorm", 1, token));
    return PlainBlock.flat(
        block.each(
            x,
            token ->
                block.gated(
                    P + "mlp.gate_proj",
                    P + "mlp.up_proj",
                    P + "mlp.down_proj",
                    block.rmsNorm(P + NORM, 1, token))));
  }

  @Example
  void namesAloneDoNotTell() {
    assertThat(subject().recognises(model())).isFalse();
  }
}

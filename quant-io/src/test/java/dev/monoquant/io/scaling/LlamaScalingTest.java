package dev.monoquant.io.scaling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ScaleFold;
import dev.monoquant.spi.ScaleFolds;
import dev.monoquant.spi.ScaleMapping;
import dev.monoquant.testkit.contracts.ScaleMappingContract;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Example;

/** A block with grouped queries and a mixture, and one with neither. */
class LlamaScalingTest implements ScaleMappingContract {

  private static final String NORM = "post_attention_layernorm";
  private static final String FIRST = "model.layers.0.";
  private static final String SECOND = "model.layers.1.";

  @Override
  public ScaleMapping subject() {
    return new LlamaScaling();
  }

  private static Map<String, TensorShape> shapes() {
    Map<String, TensorShape> shapes = PlainBlock.decoder(FIRST, 1, NORM);
    String moe = FIRST + "block_sparse_moe.";
    shapes.put(moe + "gate.weight", TensorShape.of(2, 8));
    for (int e = 0; e < 2; e++) {
      shapes.put(moe + "experts." + e + ".w1.weight", TensorShape.of(12, 8));
      shapes.put(moe + "experts." + e + ".w2.weight", TensorShape.of(8, 12));
      shapes.put(moe + "experts." + e + ".w3.weight", TensorShape.of(12, 8));
    }
    shapes.putAll(PlainBlock.decoder(SECOND, 2, NORM));
    shapes.put(SECOND + "mlp.gate_proj.weight", TensorShape.of(12, 8));
    shapes.put(SECOND + "mlp.up_proj.weight", TensorShape.of(12, 8));
    shapes.put(SECOND + "mlp.down_proj.weight", TensorShape.of(8, 12));
    return shapes;
  }

  @Override
  public ModelInfo model() {
    return PlainBlock.model(shapes());
  }

  @Override
  public double[] compute(Map<String, double[]> tensors, Random random) {
    PlainBlock block = new PlainBlock(tensors);
    double[][] x = block.attend(FIRST, 0, PlainBlock.input(random));
    double[][] y =
        block.each(
            x,
            token -> {
              double[] n = block.rmsNorm(FIRST + NORM, 0, token);
              String moe = FIRST + "block_sparse_moe.";
              double[] p = PlainBlock.softmax(block.linear(moe + "gate", n));
              double[] sum = token.clone();
              for (int e = 0; e < 2; e++) {
                String expert = moe + "experts." + e + ".";
                double[] out = block.gated(expert + "w1", expert + "w3", expert + "w2", n);
                for (int i = 0; i < sum.length; i++) {
                  sum[i] += p[e] * out[i];
                }
              }
              return sum;
            });
    double[][] z = block.attend(SECOND, 0, y);
    String mlp = SECOND + "mlp.";
    return PlainBlock.flat(
        block.each(
            z,
            token ->
                PlainBlock.plus(
                    token,
                    block.gated(
                        mlp + "gate_proj",
                        mlp + "up_proj",
                        mlp + "down_proj",
                        block.rmsNorm(SECOND + NORM, 0, token)))));
  }

  @Example
  void groupedQueriesAreLeft() {
    ScaleFolds folds = subject().folds(model());
    assertThat(folds.left()).containsOnlyKeys(FIRST + "self_attn.o_proj.weight");
    assertThat(folds.folds())
        .extracting(ScaleFold::input)
        .contains(
            FIRST + "input_layernorm",
            FIRST + NORM,
            FIRST + "block_sparse_moe.experts.1.w3",
            SECOND + "self_attn.v_proj",
            SECOND + "mlp.up_proj");
  }

  @Example
  void aMatrixOfUnknownUseLeavesItsNorm() {
    Map<String, TensorShape> shapes = shapes();
    shapes.put(SECOND + "mlp.adapter.weight", TensorShape.of(4, 8));
    ScaleFolds folds = subject().folds(PlainBlock.model(shapes));
    assertThat(folds.left()).containsKey(SECOND + "mlp.up_proj.weight");
    assertThat(folds.folds()).extracting(ScaleFold::input).doesNotContain(SECOND + NORM);
  }

  @Example
  void otherNormsAreNotRecognised() {
    assertThat(subject().recognises(model())).isTrue();
    for (String norm : List.of("pre_feedforward_layernorm", "post_feedforward_layernorm")) {
      Map<String, TensorShape> shapes = shapes();
      shapes.put(SECOND + norm + ".weight", TensorShape.of(8));
      assertThat(subject().recognises(PlainBlock.model(shapes))).isFalse();
    }
    assertThat(subject().recognises(PlainBlock.model(Map.of("w", TensorShape.of(2, 2))))).isFalse();
  }

  /** Tensors of BitNet, Nemotron and MiniMax beside those of Llama. */
  @Example
  void blocksWithTensorsOfOtherModelsAreNotRecognised() {
    for (String other :
        List.of(
            "self_attn.attn_sub_norm.weight",
            "mlp.ffn_sub_norm.weight",
            "input_layernorm.bias",
            "self_attn.output_gate.weight",
            "cross_attn.q_proj.weight")) {
      Map<String, TensorShape> shapes = shapes();
      shapes.put(SECOND + other, TensorShape.of(8));
      assertThat(subject().recognises(PlainBlock.model(shapes))).as(other).isFalse();
    }
    Map<String, TensorShape> old = shapes();
    old.put(SECOND + "self_attn.rotary_emb.inv_freq", TensorShape.of(2));
    assertThat(subject().recognises(PlainBlock.model(old))).isTrue();
    Map<String, TensorShape> ungated = shapes();
    ungated.remove(SECOND + "mlp.gate_proj.weight");
    assertThat(subject().recognises(PlainBlock.model(ungated))).isFalse();
  }

  /** Their blocks are those of Llama; factors of residuals and attention are constants. */
  @Example
  void graniteAndSmolLm3AreKnown() {
    assertThat(subject().models())
        .contains("GraniteForCausalLM", "SmolLM3ForCausalLM")
        .doesNotContain("GraniteMoeForCausalLM");
  }
}

package dev.monoquant.io.scaling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ScaleFold;
import dev.monoquant.spi.ScaleFolds;
import dev.monoquant.spi.ScaleMapping;
import dev.monoquant.testkit.contracts.ScaleMappingContract;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.Example;

/** A block of BERT, whose norms are after the residual connections. */
class BertScalingTest implements ScaleMappingContract {

  private static final String P = "encoder.layer.0.";

  @Override
  public ScaleMapping subject() {
    return new BertScaling();
  }

  @Override
  public ModelInfo model() {
    Map<String, TensorShape> shapes = new LinkedHashMap<>();
    for (String name : new String[] {"query", "key", "value"}) {
      shapes.put(P + "attention.self." + name + ".weight", TensorShape.of(8, 8));
      shapes.put(P + "attention.self." + name + ".bias", TensorShape.of(8));
    }
    for (String part : new String[] {"attention.output", "output"}) {
      int width = part.equals("output") ? 12 : 8;
      shapes.put(P + part + ".dense.weight", TensorShape.of(8, width));
      shapes.put(P + part + ".dense.bias", TensorShape.of(8));
      shapes.put(P + part + ".LayerNorm.weight", TensorShape.of(8));
      shapes.put(P + part + ".LayerNorm.bias", TensorShape.of(8));
    }
    shapes.put(P + "intermediate.dense.weight", TensorShape.of(12, 8));
    shapes.put(P + "intermediate.dense.bias", TensorShape.of(12));
    return PlainBlock.model(shapes);
  }

  @Override
  public double[] compute(Map<String, double[]> tensors, Random random) {
    PlainBlock block = new PlainBlock(tensors);
    double[][] x = PlainBlock.input(random);
    String self = P + "attention.self.";
    double[][] a = block.attention(self + "query", self + "key", self + "value", x);
    double[][] b =
        PlainBlock.plus(x, block.each(a, t -> block.linear(P + "attention.output.dense", t)));
    double[][] c = block.each(b, t -> block.layerNorm(P + "attention.output.LayerNorm", t));
    double[][] d =
        block.each(
            c,
            t -> {
              double[] hidden = block.linear(P + "intermediate.dense", t);
              for (int i = 0; i < hidden.length; i++) {
                hidden[i] = Math.tanh(hidden[i]);
              }
              return block.linear(P + "output.dense", hidden);
            });
    return PlainBlock.flat(
        block.each(PlainBlock.plus(c, d), t -> block.layerNorm(P + "output.LayerNorm", t)));
  }

  @Example
  void onlyValuesAreFolded() {
    ScaleFolds folds = subject().folds(model());
    assertThat(folds.folds())
        .extracting(ScaleFold::input)
        .containsExactly(P + "attention.self.value");
    assertThat(folds.left()).hasSize(5);
    assertThat(subject().recognises(model())).isTrue();
  }

  /** Longformer: the output reads these values, too. */
  @Example
  void otherValuesLeaveTheOutput() {
    List<TensorInfo> tensors = new ArrayList<>(model().tensors());
    String global = P + "attention.self.value_global.weight";
    tensors.add(new TensorInfo(global, ElementType.FLOAT32, TensorShape.of(8, 8)));
    ModelInfo longformer = ModelInfo.of("longformer", tensors);
    assertThat(subject().folds(longformer).folds()).isEmpty();
    assertThat(subject().folds(longformer).left()).containsKey(P + "attention.output.dense.weight");
    assertThat(subject().recognises(longformer)).isFalse();
  }
}

package dev.monoquant.io.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.util.List;
import org.junit.jupiter.api.Test;

class GgufNamesTest {

  /** A tensor of all experts of a layer is no convolution, whatever its rank. */
  @Test
  void expertsAreLinear() {
    List<TensorInfo> tensors =
        List.of(
            tensor("blk.0.ffn_gate_exps.weight", 4, 8, 8),
            tensor("blk.0.ffn_up_exps.weight", 4, 8, 8),
            tensor("blk.0.ffn_down_exps.weight", 4, 8, 8),
            tensor("blk.0.ffn_gate_inp.weight", 4, 8));
    assertThat(GgufNames.layers(tensors))
        .extracting(Layer::kind)
        .containsExactly(LayerKind.LINEAR, LayerKind.LINEAR, LayerKind.LINEAR, LayerKind.ROUTER);
  }

  private static TensorInfo tensor(String name, long... dims) {
    return new TensorInfo(name, ElementType.BFLOAT16, TensorShape.of(dims));
  }
}

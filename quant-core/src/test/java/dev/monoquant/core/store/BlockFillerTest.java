package dev.monoquant.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import dev.monoquant.ConfigurationException;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BlockFillerTest {

  private static Map<String, NDArray> tensors(NDManager manager) {
    return Map.of(
        "weight", manager.create(new float[] {1, 2, 3, 4, 5, 6}, new Shape(2, 3)),
        "bias", manager.create(new float[] {7, 8}));
  }

  @Test
  void fillsParametersWithoutAndWithAShapeOfTheirOwn() {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      Block fresh = Linear.builder().setUnits(2).build();
      Block shaped = Linear.builder().setUnits(2).build();
      shaped.getParameters().get("weight").setShape(new Shape(2, 3));
      for (Block block : new Block[] {fresh, shaped}) {
        Map<String, NDArray> tensors = tensors(manager);
        BlockFiller.fill(block, tensors, manager);
        NDArray filled = block.getParameters().get("weight").getArray();
        assertThat(filled.toFloatArray()).containsExactly(1, 2, 3, 4, 5, 6);
        filled.muli(0);
        assertThat(tensors.get("weight").toFloatArray()).containsExactly(1, 2, 3, 4, 5, 6);
      }
    }
  }

  @Test
  void refusesAnotherShape() {
    try (NDManager manager = NDManager.newBaseManager("PyTorch")) {
      Block block = Linear.builder().setUnits(2).build();
      block.getParameters().get("weight").setShape(new Shape(3, 2));
      Map<String, NDArray> tensors = tensors(manager);
      assertThatThrownBy(() -> BlockFiller.fill(block, tensors, manager))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("\"weight\" of the architecture has shape (3, 2)")
          .hasMessageContaining("the model's has (2, 3)");
    }
  }
}

package dev.monoquant.io.memory;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SymbolBlock;
import ai.djl.util.Pair;
import dev.monoquant.model.Layer;
import dev.monoquant.model.Layer.Evidence;
import dev.monoquant.model.TensorInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds the layers that a tree of blocks declares: one for each block with its own parameters.
 *
 * <p>A child's tensors are named {@code <child>_<parameter>}, nested ones {@code
 * <child>_<grandchild>_<parameter>}, as {@code getParameters()} composes them. If a block composes
 * names in another way, its tensors are read, but declare no layer. TorchScript blocks declare no
 * layers: DJL does not expose their submodules.
 */
final class BlockLayers {

  private final Map<String, NDArray> arrays;
  private final Map<String, TensorInfo> infos;
  private final List<Layer> layers = new ArrayList<>();

  private BlockLayers(Map<String, NDArray> arrays, Map<String, TensorInfo> infos) {
    this.arrays = arrays;
    this.infos = infos;
  }

  /**
   * {@return the declared layers in model order; empty for a state dict}
   *
   * @param input the arrays with their block
   * @param infos the descriptions of the arrays, by name
   */
  static List<Layer> layers(LiveArrays input, Map<String, TensorInfo> infos) {
    BlockLayers walk = new BlockLayers(input.arrays(), infos);
    if (input.block() != null) {
      walk.visit("", input.block());
    }
    return List.copyOf(walk.layers);
  }

  private void visit(String path, Block block) {
    if (block instanceof SymbolBlock) {
      return;
    }
    String prefix = path.isEmpty() ? "" : path + "_";
    Map<String, TensorInfo> own = new LinkedHashMap<>();
    for (Pair<String, Parameter> pair : block.getDirectParameters()) {
      String full = prefix + pair.getKey();
      TensorInfo info = infos.get(full);
      if (info != null && arrays.get(full) == pair.getValue().getArray()) {
        own.put(pair.getKey(), info);
      }
    }
    if (!own.isEmpty()) {
      layers.add(new Layer(path, BlockKinds.of(block), Evidence.DECLARED, own));
    }
    for (Pair<String, Block> child : block.getChildren()) {
      visit(prefix + child.getKey(), child.getValue());
    }
  }
}

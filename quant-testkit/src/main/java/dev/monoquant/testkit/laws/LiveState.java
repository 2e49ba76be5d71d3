package dev.monoquant.testkit.laws;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.testkit.fakes.LiveArrays;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/** The state of live objects, to detect changes. */
final class LiveState {

  private LiveState() {}

  /** Every array of an input; none for a path. Compare two with equals. */
  static Map<String, String> of(ModelInput input) {
    Map<String, String> state = new TreeMap<>();
    if (input instanceof ModelInput.OfMap map) {
      map.tensors().forEach((name, array) -> state.put(name, of(array)));
    } else if (input instanceof ModelInput.OfList list) {
      for (NDArray array : list.list()) {
        state.put("array " + state.size(), of(array));
      }
    } else if (input instanceof ModelInput.OfBlock block) {
      parameters(block.block(), state);
    } else if (input instanceof ModelInput.OfModel model && model.model().getBlock() != null) {
      parameters(model.model().getBlock(), state);
    }
    return state;
  }

  private static void parameters(Block block, Map<String, String> state) {
    for (Pair<String, Parameter> named : block.getParameters()) {
      Parameter parameter = named.getValue();
      state.put(
          named.getKey(), parameter.isInitialized() ? of(parameter.getArray()) : "uninitialized");
    }
  }

  private static String of(NDArray array) {
    if (LiveArrays.isFreed(array)) {
      return "closed";
    }
    return "%s %s %s of %s, hash %d"
        .formatted(
            array.getName(),
            array.getDataType(),
            array.getShape(),
            array.getManager().getName(),
            Arrays.hashCode(array.toByteArray()));
  }
}

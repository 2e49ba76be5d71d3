package dev.monoquant.io.memory;

import static dev.monoquant.QuantException.quote;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The caller's arrays under unique names in model order, and their block if they have one. Reads
 * only the names of the arrays.
 *
 * @param input the input for messages
 * @param arrays the arrays by full name
 * @param block the root block; null for a bare state dict
 */
record LiveArrays(String input, Map<String, NDArray> arrays, @Nullable Block block) {

  /**
   * {@return the arrays of an input; at least one}
   *
   * @param input a live object
   * @param limits the limits on the number of arrays and the length of names
   */
  static LiveArrays of(ModelInput input, ReadLimits limits) {
    Collector collector = new Collector(input.describe(), limits);
    Block block = null;
    if (input instanceof ModelInput.OfMap map) {
      collector.addMap(map.tensors());
    } else if (input instanceof ModelInput.OfList list) {
      collector.addList(list.list());
    } else if (input instanceof ModelInput.OfBlock of) {
      block = of.block();
      collector.addBlock(block);
    } else if (input instanceof ModelInput.OfModel of) {
      block = of.model().getBlock();
      if (block == null) {
        throw collector.refuse(
            Reason.NO_TENSORS, "", "it has no block. Call model.load or model.setBlock first");
      }
      collector.addBlock(block);
    } else {
      throw collector.refuse(
          Reason.NOT_THIS_FORMAT,
          "",
          "it is no live object. Pass a Model, Block, NDList or map of arrays");
    }
    return new LiveArrays(collector.input, collector.finish(), block);
  }

  /** Collects named arrays, and refuses arrays without a unique name. */
  private static final class Collector {
    private final String input;
    private final ReadLimits limits;
    private final Map<String, NDArray> arrays = new LinkedHashMap<>();

    Collector(String input, ReadLimits limits) {
      this.input = input;
      this.limits = limits;
    }

    void addMap(Map<String, NDArray> map) {
      // Other maps may iterate in a different order in each run; the output order must be stable.
      boolean ordered = map instanceof LinkedHashMap || map instanceof SortedMap;
      Map<@Nullable String, @Nullable NDArray> entries = new LinkedHashMap<>(map);
      if (entries.containsKey(null)) {
        throw refuse(Reason.ENTRY, "", "a key is null. Name each array, for example \"fc.weight\"");
      }
      (ordered ? map : new TreeMap<>(map))
          .forEach((name, array) -> add(name, array, "key " + quote(name)));
    }

    void addList(NDList list) {
      for (int position = 0; position < list.size(); position++) {
        NDArray array = list.get(position);
        String name = array == null ? null : array.getName();
        add(name == null ? "" : name, array, "array at position " + position);
      }
    }

    void addBlock(Block block) {
      for (Pair<String, Parameter> pair : block.getParameters()) {
        String where = "parameter " + quote(pair.getKey());
        if (!pair.getValue().isInitialized()) {
          throw refuse(
              Reason.RECORD_MISSING,
              where,
              "it has no array, the block is not initialised. Call block.initialize(manager,"
                  + " dataType, inputShapes) or load its parameters first");
        }
        add(pair.getKey(), pair.getValue().getArray(), where);
      }
    }

    private void add(String name, @Nullable NDArray array, String where) {
      if (array == null) {
        throw refuse(Reason.ENTRY, where, "the array is null. Leave it out or set it");
      }
      if (name.isEmpty()) {
        throw refuse(
            Reason.ENTRY,
            where,
            "the array has no name. Name each array, for example array.setName(\"fc.weight\")");
      }
      if (name.length() > limits.maxNameLength()) {
        throw refuse(
            Reason.LIMIT,
            where,
            String.format(
                "its name has %d characters, %d allowed. Shorten it, or raise the limit"
                    + " maxNameLength",
                name.length(), limits.maxNameLength()));
      }
      if (arrays.putIfAbsent(name, array) != null) {
        throw refuse(
            Reason.DUPLICATE_KEY,
            where,
            "the name "
                + quote(name)
                + " is that of an array before it. Give each a name of its own, for example"
                + " array.setName(\"fc.weight\")");
      }
      if (arrays.size() > limits.maxTensors()) {
        throw refuse(
            Reason.LIMIT,
            where,
            String.format(
                "more than %d arrays. Raise the limit maxTensors if that is right",
                limits.maxTensors()));
      }
    }

    Map<String, NDArray> finish() {
      if (arrays.isEmpty()) {
        throw refuse(Reason.NO_TENSORS, "", "it holds no arrays. Pass at least one");
      }
      return arrays;
    }

    ModelFormatException refuse(Reason reason, String where, String detail) {
      return new ModelFormatException(reason, input, where, detail);
    }
  }
}

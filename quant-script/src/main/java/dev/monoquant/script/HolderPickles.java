package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.files.pickle.PickleValue.Text;
import dev.monoquant.files.pickle.PickleWalk;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.EncodedWeight;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Creates the storages of holders and their objects in the pickle. */
final class HolderPickles {

  private final Set<String> keys = new HashSet<>();
  private final List<HeldStorage> storages = new ArrayList<>();
  private int nextKey;

  HolderPickles(ScriptProgram program) {
    takeKeys(program.data());
    takeKeys(program.constants());
  }

  private void takeKeys(PickleValue value) {
    for (PicklePersistent persistent : PickleWalk.persistentIds(value)) {
      if (persistent.id() instanceof PickleTuple id
          && id.size() > 2
          && id.get(2) instanceof Text key) {
        keys.add(key.value());
      }
    }
  }

  /** {@return a key that no storage uses} */
  String freshKey() {
    while (!keys.add(Integer.toString(nextKey))) {
      nextKey++;
    }
    return Integer.toString(nextKey);
  }

  /** {@return the storages that must be written} */
  List<HeldStorage> storages() {
    return storages;
  }

  /** Creates the storages of a weight, and a tensor for each. */
  List<PickleObject> parts(Codec codec) {
    List<PickleObject> tensors = new ArrayList<>();
    for (Codec.Stored part : codec.stored()) {
      HeldStorage storage =
          new HeldStorage(
              freshKey(), codec.weight().name(), part.part().name(), part.type(), part.elements());
      storages.add(storage);
      tensors.add(Pickles.tensor(storage, part.shape()));
    }
    return tensors;
  }

  /**
   * Creates the object of a holder.
   *
   * @param type its class
   * @param machine see {@link Library#machine}
   * @param holder the holder
   * @param parts the tensors of its weight
   */
  static PickleObject object(
      String type, PickleObject machine, Holder holder, List<PickleObject> parts) {
    Codec codec = holder.codec();
    List<PickleValue> state =
        new ArrayList<>(
            List.of(
                machine,
                Pickles.tensors(parts),
                Pickles.integers(codec.numbers()),
                Pickles.integers(dims(codec.weight())),
                Pickles.integers(holder.numbers()),
                Pickles.integers(holder.plan().window().map(Window::flat).orElse(List.of())),
                holder.boundBias().map(b -> (PickleValue) b).orElse(None.INSTANCE),
                Pickles.tensors(
                    holder
                        .given()
                        .flatMap(GivenCodes::norm)
                        .map(GivenCodes.Norm::tensors)
                        .orElse(List.of()))));
    return Pickles.instance(type, new PickleTuple(state));
  }

  private static List<Integer> dims(EncodedWeight weight) {
    List<Integer> dims = new ArrayList<>();
    dims.add(weight.matrix().rowAxis());
    dims.add(dtype(weight.matrix().tensor().type()));
    for (long dim : weight.matrix().tensor().shape().dims()) {
      dims.add(Math.toIntExact(dim));
    }
    return dims;
  }

  /** The numbers of {@code c10::ScalarType}. */
  private static int dtype(ElementType type) {
    return switch (type) {
      case FLOAT16 -> 5;
      case FLOAT32 -> 6;
      case FLOAT64 -> 7;
      case BFLOAT16 -> 15;
      default -> throw new IllegalArgumentException("a weight of " + type.wire());
    };
  }
}

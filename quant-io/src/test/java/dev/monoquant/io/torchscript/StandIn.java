package dev.monoquant.io.torchscript;

import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleObject.Call;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleReader;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.files.pickle.PickleValue.Int;
import dev.monoquant.files.pickle.PickleValue.Text;
import dev.monoquant.files.pickle.PickleWriter;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.script.HeldStorage;
import dev.monoquant.script.Mode;
import dev.monoquant.script.Rewritten;
import dev.monoquant.script.ScriptProgram;
import dev.monoquant.script.Treatment;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Puts an object with the parts in the place of each weight. What it makes does not run, but it is
 * stored like what does.
 */
final class StandIn implements Rewriting {

  private static final Map<ElementType, String> STORAGES =
      Map.of(
          ElementType.UINT8, "Byte",
          ElementType.INT8, "Char",
          ElementType.FLOAT16, "Half",
          ElementType.BFLOAT16, "BFloat16",
          ElementType.FLOAT32, "Float");

  private final ScriptProgram program;

  StandIn(ScriptArchive archive) {
    this.program = archive.program();
  }

  @Override
  public Optional<String> refusal(EncodedWeight weight) {
    return weight.matrix().tensor().shape().elements() < 4
        ? Optional.of("it has fewer than 4 numbers")
        : Optional.empty();
  }

  @Override
  public Rewritten rewrite(List<EncodedWeight> weights, List<String> kept) {
    PickleValue data = copy(program.data());
    List<PickleValue> constants =
        new ArrayList<>(((PickleTuple) copy(program.constants())).items());
    List<HeldStorage> storages = new ArrayList<>();
    List<Treatment> treatments = new ArrayList<>();
    for (EncodedWeight weight : weights) {
      List<HeldStorage> own = new ArrayList<>();
      for (Part part : weight.encoding().parts()) {
        own.add(storage(weight, part, "held" + (storages.size() + own.size())));
      }
      put(data, constants, weight.name(), holder(own));
      storages.addAll(own);
      treatments.add(new Treatment(weight.name(), Mode.WEIGHT_ONLY, "stored, not run"));
    }
    SortedMap<String, String> code = new TreeMap<>(program.code());
    code.put("__torch__/test.py", "class Held(Module):\n  __parameters__ = []\n");
    return new Rewritten(
        new ScriptProgram(code, data, new PickleTuple(constants)),
        storages,
        List.of(),
        treatments,
        Map.of(),
        OptionalInt.empty());
  }

  static PickleValue copy(PickleValue value) {
    byte[] pickle = PickleWriter.write(value, "copy", "data.pkl");
    return PickleReader.readAll(
        ByteBuffer.wrap(pickle), "copy", "data.pkl", ReadLimits.DEFAULT, g -> true);
  }

  private static HeldStorage storage(EncodedWeight weight, Part part, String key) {
    TensorInfo held = HeldStorage.layout(weight).tensor(part.name());
    return new HeldStorage(key, weight.name(), part.name(), held.type(), held.shape().elements());
  }

  private static PickleObject holder(List<HeldStorage> storages) {
    List<PickleValue> tensors = new ArrayList<>();
    storages.forEach(s -> tensors.add(tensor(s)));
    PickleObject holder =
        new PickleObject(
            Call.NEW,
            new Global("__torch__.test", "Held"),
            new PickleTuple(List.of()),
            Optional.empty());
    holder.setState(new PickleTuple(tensors));
    return holder;
  }

  private static PickleObject tensor(HeldStorage storage) {
    PickleValue zero = new Int(0);
    PickleValue elements = new Int(storage.elements());
    PickleTuple id =
        new PickleTuple(
            List.of(
                new Text("storage"),
                new Global("torch", STORAGES.get(storage.type()) + "Storage"),
                new Text(storage.key()),
                new Text("cpu"),
                elements));
    return call(
        "torch._utils",
        "_rebuild_tensor_v2",
        new PicklePersistent(id),
        zero,
        new PickleTuple(List.of(elements)),
        new PickleTuple(List.of(new Int(1))),
        new PickleValue.Bool(false),
        call("collections", "OrderedDict"));
  }

  private static PickleObject call(String module, String name, PickleValue... args) {
    return new PickleObject(
        Call.REDUCE, new Global(module, name), new PickleTuple(List.of(args)), Optional.empty());
  }

  private static void put(
      PickleValue data, List<PickleValue> constants, String name, PickleValue value) {
    if (name.startsWith("CONSTANTS.c")) {
      constants.set(Integer.parseInt(name.substring("CONSTANTS.c".length())), value);
      return;
    }
    PickleDict at = state(data);
    List<String> path = List.of(name.split("\\.", -1));
    for (String step : path.subList(0, path.size() - 1)) {
      at = state(at.find(step).orElseThrow());
    }
    if (at.put(new Text(path.get(path.size() - 1)), value)) {
      throw new AssertionError(name + " was not there");
    }
  }

  private static PickleDict state(PickleValue module) {
    return (PickleDict) ((PickleObject) module).state().orElseThrow();
  }
}

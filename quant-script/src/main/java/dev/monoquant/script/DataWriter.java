package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleDict;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.files.pickle.PickleValue.None;
import dev.monoquant.files.pickle.PickleValue.Text;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Writes the pickle of the new program. Modules are new objects; their other values are the objects
 * of the original.
 */
final class DataWriter {

  private final ModuleTypes types;
  private final Map<Modules.Module, Map<String, PickleObject>> holders;
  private final Map<String, PickleObject> constants;
  private final Cuts cuts;
  private final Map<Modules.Module, PickleObject> done = new HashMap<>();

  private DataWriter(
      ModuleTypes types,
      Map<Modules.Module, Map<String, PickleObject>> holders,
      Map<String, PickleObject> constants,
      Cuts cuts) {
    this.cuts = cuts;
    this.types = types;
    this.holders = holders;
    this.constants = constants;
  }

  /**
   * Writes the modules.
   *
   * @param modules the modules
   * @param types their classes
   * @param holders the holders by module and attribute
   * @param constants the holders of constants by name
   * @param cuts the tensors whose storages are cut
   * @return the root
   */
  static PickleObject data(
      Modules modules,
      ModuleTypes types,
      Map<Modules.Module, Map<String, PickleObject>> holders,
      Map<String, PickleObject> constants,
      Cuts cuts) {
    DataWriter writer = new DataWriter(types, holders, constants, cuts);
    PickleObject root = null;
    for (Modules.Module module : modules.all()) {
      root = writer.module(module);
      writer.done.put(module, root);
    }
    return Objects.requireNonNull(root);
  }

  /** {@return the constants, with None for those that a holder replaces} */
  static PickleTuple constants(PickleTuple original, Map<String, PickleObject> held, Cuts cuts) {
    List<PickleValue> items = new ArrayList<>();
    for (int i = 0; i < original.size(); i++) {
      items.add(held.containsKey("c" + i) ? None.INSTANCE : cuts.of(original.get(i)));
    }
    return new PickleTuple(items);
  }

  private PickleObject module(Modules.Module module) {
    ModuleType type = types.of(module);
    PickleObject original = module.object();
    int dot = type.name().lastIndexOf('.');
    boolean renamed = !type.name().equals(module.type().qualified());
    Global callee =
        renamed
            ? new Global(type.name().substring(0, dot), type.name().substring(dot + 1))
            : original.callee();
    PickleObject copy =
        new PickleObject(original.call(), callee, original.args(), original.keywords());
    original.state().ifPresent(state -> copy.setState(state(module, type, state)));
    return copy;
  }

  private PickleValue state(Modules.Module module, ModuleType type, PickleValue state) {
    if (!module.isOpen() || !(state instanceof PickleDict dict)) {
      return state;
    }
    PickleDict copy = new PickleDict();
    Map<String, PickleObject> held = holders.getOrDefault(module, Map.of());
    for (PickleDict.Item item : dict.items()) {
      PickleValue value = item.value();
      if (item.key() instanceof Text key) {
        Optional<PickleObject> child =
            Optional.ofNullable(module.children().get(key.value())).map(done::get);
        value = Optional.ofNullable(held.get(key.value())).or(() -> child).orElse(null);
        value = value == null ? cuts.of(item.value()) : value;
        if (type.lists().containsKey(key.value())) {
          value = Pickles.tensors(List.of()); // The new code does not read it.
        }
      }
      copy.put(item.key(), value);
    }
    type.constants()
        .forEach(
            (attribute, slot) -> {
              PickleObject holder = constants.get(slot.attribute());
              if (holder != null) {
                copy.put(new Text(attribute), holder);
              }
            });
    return copy;
  }
}

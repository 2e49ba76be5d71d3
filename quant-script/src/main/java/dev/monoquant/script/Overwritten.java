package dev.monoquant.script;

import dev.monoquant.files.pickle.PickleObject;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The memory of the tensors that a program may change in place. A holder must not replace a tensor
 * that lies there: it would keep the numbers of the file.
 */
final class Overwritten {

  private final Aliases aliases;

  /** The ends of disjoint ranges of elements by their starts, for each storage. */
  private final Map<String, TreeMap<Long, Long>> ranges = new HashMap<>();

  /** Classes with their attributes that lie there in some module. */
  private final Set<String> inMemory = new HashSet<>();

  private Overwritten(Aliases aliases) {
    this.aliases = aliases;
  }

  static Overwritten of(Definitions definitions, Modules modules) {
    Overwritten all = new Overwritten(Aliases.of(definitions));
    for (Modules.Module module : modules.all()) {
      String type = module.type().qualified();
      module
          .tensors()
          .forEach(
              (name, tensor) -> all.aliases.change(type, name).ifPresent(by -> all.add(tensor)));
      module
          .lists()
          .forEach(
              (name, items) ->
                  all.aliases.change(type, name).ifPresent(by -> items.forEach(all::add)));
    }
    if (!all.ranges.isEmpty()) {
      modules.all().forEach(all::find);
    }
    return all;
  }

  private void find(Modules.Module module) {
    module
        .tensors()
        .forEach(
            (name, tensor) ->
                TensorView.of(tensor)
                    .filter(this::isIn)
                    .ifPresent(view -> inMemory.add(module.type().qualified() + " " + name)));
  }

  private void add(PickleObject tensor) {
    Optional<TensorView> view = TensorView.of(tensor);
    if (view.isEmpty()) {
      return;
    }
    TreeMap<Long, Long> known = ranges.computeIfAbsent(view.get().key(), k -> new TreeMap<>());
    long start = view.get().offset();
    long end = view.get().end();
    Map.Entry<Long, Long> before = known.lowerEntry(end);
    while (before != null && before.getValue() > start) {
      start = Math.min(start, before.getKey());
      end = Math.max(end, before.getValue());
      known.remove(before.getKey());
      before = known.lowerEntry(end);
    }
    known.put(start, end);
  }

  /**
   * {@return why a tensor must not be replaced, or empty}
   *
   * @param module its module
   * @param attribute its attribute
   */
  Optional<String> refusal(Modules.Module module, String attribute) {
    Optional<String> own = refusal(module.type().qualified(), attribute);
    if (own.isPresent()) {
      return own;
    }
    return Optional.ofNullable(module.tensors().get(attribute))
        .flatMap(TensorView::of)
        .filter(this::isIn)
        .map(view -> "the code may change a tensor in place that lies in the same memory");
  }

  /** {@return why an attribute of a class, or a constant, must not be replaced, or empty} */
  Optional<String> refusal(String type, String attribute) {
    return aliases.change(type, attribute).map(by -> by + " may change it in place");
  }

  /** {@return whether the attribute of some module of a class may change in place} */
  boolean isChanged(String type, String attribute) {
    return refusal(type, attribute).isPresent() || inMemory.contains(type + " " + attribute);
  }

  private boolean isIn(TensorView view) {
    Map.Entry<Long, Long> before =
        ranges.getOrDefault(view.key(), new TreeMap<>()).lowerEntry(view.end());
    return before != null && before.getValue() > view.offset();
  }
}

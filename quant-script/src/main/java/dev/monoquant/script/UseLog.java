package dev.monoquant.script;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** The uses of weights that were found in a body. */
final class UseLog {

  private final List<Use> uses = new ArrayList<>();

  /** {@return all uses so far} */
  List<Use> all() {
    return Collections.unmodifiableList(uses);
  }

  void add(Use use) {
    uses.add(use);
  }

  void addAll(Collection<Use> others) {
    uses.addAll(others);
  }

  /**
   * Notes that the way of a value cannot be followed: weights in it may not be held.
   *
   * @param value the value; of modules all weights in them
   * @param detail why
   */
  void lose(Value value, String detail) {
    if (value instanceof Value.Held held) {
      add(Use.forbidden(held.slot(), detail));
    } else if (value instanceof Value.OfModule module) {
      lose(module.type(), detail);
    } else if (value instanceof Value.OfList list) {
      list.items().values().stream()
          .flatMap(Optional::stream)
          .forEach(slot -> add(Use.forbidden(slot, detail)));
    }
  }

  /** The weights of a list are attributes too, so that lists need no look of their own. */
  private void lose(ModuleType type, String detail) {
    type.held().values().forEach(slot -> add(Use.forbidden(slot, detail)));
    type.children().values().forEach(child -> lose(child, detail));
  }
}

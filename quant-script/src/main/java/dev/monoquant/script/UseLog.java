package dev.monoquant.script;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/** The uses of weights in a body. */
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
   * Records that a value cannot be followed: its weights must be left unquantized.
   *
   * @param value the value; a module stands for all its weights
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

  /** Covers lists too, because the weights of a list are also attributes. */
  private void lose(ModuleType type, String detail) {
    type.held().values().forEach(slot -> add(Use.forbidden(slot, detail)));
    type.children().values().forEach(child -> lose(child, detail));
  }
}

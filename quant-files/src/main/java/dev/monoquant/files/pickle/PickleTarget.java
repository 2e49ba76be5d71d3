package dev.monoquant.files.pickle;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import java.util.List;

/**
 * The value on top of the stack, which operations modify: items of containers, states of objects.
 * Each method takes the offset of its operation, for messages.
 *
 * @param stack the stack of the machine
 * @param fault makes the exceptions
 * @param globals the classes that are not on the allow-list: their objects may be lists or sets of
 *     any kind
 */
record PickleTarget(PickleStack stack, PickleFault fault, PickleGlobals globals) {

  /** Appends to the list. */
  void append(List<PickleValue> items, int at) {
    PickleValue top = stack.top(at);
    if (top instanceof PickleList list) {
      items.forEach(list::add);
    } else if (top instanceof PickleObject object && globals.isRefused(object.callee())) {
      items.forEach(object::append);
    } else {
      throw wrongTarget("items are appended", top, at);
    }
  }

  /** Adds to the set. */
  void add(List<PickleValue> items, int at) {
    PickleValue top = stack.top(at);
    if (top instanceof PickleSet set) {
      items.forEach(set::add);
    } else if (top instanceof PickleObject object && globals.isRefused(object.callee())) {
      items.forEach(object::append);
    } else {
      throw wrongTarget("items are added", top, at);
    }
  }

  /** Sets items of the dict or object; keys and values alternate. */
  void put(List<PickleValue> items, int at) {
    if (items.size() % 2 != 0) {
      throw fault.shape("the operation at byte " + at + " sets a key without a value.");
    }
    PickleValue top = stack.top(at);
    PickleDict dict;
    if (top instanceof PickleDict plain) {
      dict = plain;
    } else if (top instanceof PickleObject object) {
      dict = object.items();
    } else {
      throw wrongTarget("items are set", top, at);
    }
    for (int i = 0; i < items.size(); i += 2) {
      PickleValue key = items.get(i);
      if (!PickleDict.isHashable(key)) {
        throw fault.shape(
            "the operation at byte " + at + " uses " + key.kind() + " as a key of a dict.");
      }
      if (!dict.put(key, items.get(i + 1))) {
        throw fault.of(
            Reason.DUPLICATE_KEY,
            "the key "
                + PickleWalk.step(key)
                + " is there twice, and readers differ in which one they take. Save the model"
                + " again.");
      }
    }
  }

  /** Removes a state from the stack and sets it on the object below, which may have only one. */
  void build(int at) {
    PickleValue state = stack.pop(at);
    if (!(stack.top(at) instanceof PickleObject object) || object.state().isPresent()) {
      throw wrongTarget("BUILD sets a state", stack.top(at), at);
    }
    object.setState(state);
  }

  private ModelFormatException wrongTarget(String what, PickleValue target, int at) {
    return fault.shape("at byte " + at + " " + what + " on " + target.kind() + ".");
  }
}

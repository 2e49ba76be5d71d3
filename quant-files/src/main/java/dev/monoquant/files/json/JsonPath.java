package dev.monoquant.files.json;

import static dev.monoquant.QuantException.quote;

import java.util.ArrayDeque;
import java.util.Deque;

/** The keys of the objects around the value that is being read; an item of an array has none. */
final class JsonPath {

  private static final String ITEM = "";

  private final Deque<String> keys = new ArrayDeque<>();

  /** Goes into the value of a key. */
  void enter(String key) {
    keys.addLast(key);
  }

  /** Goes into an item of an array. */
  void enterItem() {
    keys.addLast(ITEM);
  }

  /** Goes out of the value that was entered last. */
  void leave() {
    keys.removeLast();
  }

  /** {@return how many arrays and objects are around the value} */
  int depth() {
    return keys.size();
  }

  /** {@return the outermost key for messages, or nothing} */
  String where() {
    return keys.isEmpty() || keys.getFirst().equals(ITEM) ? "" : quote(keys.getFirst());
  }
}

package dev.monoquant.files.pickle;

import java.util.ArrayList;
import java.util.List;

/** The stack of the pickle machine with its marks; values below a mark are inaccessible. */
final class PickleStack {

  private final PickleFault fault;
  private final int most;
  private final List<PickleValue> values = new ArrayList<>();
  private final List<Integer> marks = new ArrayList<>();

  PickleStack(PickleFault fault, int most) {
    this.fault = fault;
    this.most = most;
  }

  void push(PickleValue value) {
    requireRoom();
    values.add(value);
  }

  void mark() {
    requireRoom();
    marks.add(values.size());
  }

  private void requireRoom() {
    if (values.size() + marks.size() >= most) {
      throw fault.limit(most + 1L, "values on its stack", most, "maxPickleValues");
    }
  }

  int size() {
    return values.size() + marks.size();
  }

  private int floor() {
    return marks.isEmpty() ? 0 : marks.get(marks.size() - 1);
  }

  PickleValue top(int at) {
    if (values.size() == floor()) {
      throw underflow(at);
    }
    return values.get(values.size() - 1);
  }

  PickleValue pop(int at) {
    PickleValue top = top(at);
    values.remove(values.size() - 1);
    return top;
  }

  /** Removes the last values and returns them in order. */
  List<PickleValue> pop(int count, int at) {
    if (values.size() - floor() < count) {
      throw underflow(at);
    }
    return take(values.size() - count);
  }

  /** Removes the values above the last mark, and the mark. */
  List<PickleValue> popMark(int at) {
    if (marks.isEmpty()) {
      throw fault.shape("the operation at byte " + at + " needs a mark, there is none.");
    }
    return take(marks.remove(marks.size() - 1));
  }

  /** Removes the top value, or the mark if it is on top. */
  void drop(int at) {
    if (!marks.isEmpty() && floor() == values.size()) {
      marks.remove(marks.size() - 1);
    } else {
      pop(at);
    }
  }

  private List<PickleValue> take(int from) {
    List<PickleValue> tail = values.subList(from, values.size());
    List<PickleValue> taken = new ArrayList<>(tail);
    tail.clear();
    return taken;
  }

  private RuntimeException underflow(int at) {
    return fault.shape("the operation at byte " + at + " takes more from the stack than there is.");
  }
}

package dev.monoquant.files.pickle;

import dev.monoquant.ModelFormatException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes inert data as a pickle of protocol 2, with the operations that libtorch reads: {@code
 * torch/csrc/jit/serialization/unpickler.cpp} of 2.7.1 and 2.13.
 *
 * <p>{@link PickleReader} reads back the same values, and shared values stay shared. Only values
 * that occur again are put into the memo, numbered from 0 in the order of the file: a tensor or
 * module when it is complete, because libtorch has no object before that, and a container when it
 * is still empty only if it contains itself. Values that protocol 2 does not support raise the
 * protocol, to 3 for bytes and to 4 for sets and for calls with keywords; TorchScript has none of
 * them. The items of an object are written before its state, as by CPython.
 *
 * <p>The bytes depend only on the values. There is no recursion, so that deep nesting causes no
 * stack overflow. Does not split long lists into batches, and does not check whether classes exist.
 */
public final class PickleWriter {

  private final PickleOutput out;
  private final PickleGraph graph;
  private final Map<PickleValue, Integer> memo = new HashMap<>();
  private final Deque<Runnable> open = new ArrayDeque<>();

  private PickleWriter(PickleGraph graph, PickleFault fault) {
    this.graph = graph;
    this.out = new PickleOutput(fault);
  }

  /**
   * Writes a value.
   *
   * @param root the value; not changed
   * @param file the file, for messages
   * @param record the record of the file that the pickle will be, for messages
   * @return the pickle
   * @throws ModelFormatException if a tuple or call contains itself, a name has a line feed or more
   *     than 4096 bytes, or a text is not valid Unicode
   */
  public static byte[] write(PickleValue root, String file, String record) {
    PickleFault fault = new PickleFault(file, record);
    PickleWriter writer = new PickleWriter(PickleGraph.of(root, fault), fault);
    writer.out.op(Op.PROTO, writer.graph.protocol());
    writer.value(root);
    while (!writer.open.isEmpty()) {
      writer.open.pop().run();
    }
    writer.out.op(Op.STOP);
    return writer.out.bytes();
  }

  /**
   * Writes a scalar or a reference immediately; pushes the steps of any other value on the stack.
   */
  private void value(PickleValue value) {
    Integer known = memo.get(value);
    if (known != null) {
      out.get(known);
      return;
    }
    if (scalar(value)) {
      remember(value);
      return;
    }
    List<Runnable> steps = new ArrayList<>();
    make(value, steps);
    if (graph.isCyclic(value)) {
      steps.add(() -> remember(value));
    }
    fill(value, steps);
    if (!graph.isCyclic(value)) {
      steps.add(() -> remember(value));
    }
    for (int i = steps.size() - 1; i >= 0; i--) {
      open.push(steps.get(i));
    }
  }

  private void remember(PickleValue value) {
    if (graph.isShared(value)) {
      out.put(memo.size());
      memo.put(value, memo.size());
    }
  }

  private boolean scalar(PickleValue value) {
    if (value instanceof PickleValue.None) {
      out.op(Op.NONE);
    } else if (value instanceof PickleValue.Bool bool) {
      out.op(bool.value() ? Op.NEWTRUE : Op.NEWFALSE);
    } else if (value instanceof PickleValue.Int number) {
      out.integer(number.value());
    } else if (value instanceof PickleValue.BigInt number) {
      out.integer(number.value());
    } else if (value instanceof PickleValue.Real real) {
      out.real(real.value());
    } else if (value instanceof PickleValue.Text text) {
      out.text(text.value());
    } else if (value instanceof PickleValue.Global global) {
      out.global(global);
    } else if (value instanceof PickleBytes bytes) {
      out.data(bytes.value());
    } else {
      return false;
    }
    return true;
  }

  private void make(PickleValue value, List<Runnable> steps) {
    List<PickleValue> parts = PickleParts.of(value).before();
    boolean marked =
        (value instanceof PickleTuple tuple && tuple.size() > 3)
            || (value instanceof PickleSet set && set.frozen());
    if (marked) {
      steps.add(() -> out.op(Op.MARK));
    }
    parts.forEach(part -> steps.add(() -> value(part)));
    int opcode = opcode(value);
    steps.add(() -> out.op(opcode));
  }

  private static int opcode(PickleValue value) {
    if (value instanceof PickleTuple tuple) {
      return switch (tuple.size()) {
        case 0 -> Op.EMPTY_TUPLE;
        case 1 -> Op.TUPLE1;
        case 2 -> Op.TUPLE2;
        case 3 -> Op.TUPLE3;
        default -> Op.TUPLE;
      };
    }
    if (value instanceof PickleSet set) {
      return set.frozen() ? Op.FROZENSET : Op.EMPTY_SET;
    }
    if (value instanceof PickleObject object) {
      return switch (object.call()) {
        case REDUCE, REDUCE_BARE -> Op.REDUCE;
        case NEW -> Op.NEWOBJ;
        case NEW_WITH_KEYWORDS -> Op.NEWOBJ_EX;
      };
    }
    if (value instanceof PickleList) {
      return Op.EMPTY_LIST;
    }
    return value instanceof PickleDict ? Op.EMPTY_DICT : Op.BINPERSID;
  }

  private void fill(PickleValue value, List<Runnable> steps) {
    if (value instanceof PickleList list) {
      items(list.items(), Op.APPENDS, steps);
    } else if (value instanceof PickleSet set && !set.frozen()) {
      items(set.items(), Op.ADDITEMS, steps);
    } else if (value instanceof PickleDict dict) {
      items(PickleParts.flat(dict), Op.SETITEMS, steps);
    } else if (value instanceof PickleObject object) {
      items(PickleParts.flat(object.items()), Op.SETITEMS, steps);
      object
          .state()
          .ifPresent(
              state -> {
                steps.add(() -> value(state));
                steps.add(() -> out.op(Op.BUILD));
              });
    }
  }

  private void items(List<PickleValue> items, int opcode, List<Runnable> steps) {
    if (!items.isEmpty()) {
      steps.add(() -> out.op(Op.MARK));
      items.forEach(item -> steps.add(() -> value(item)));
      steps.add(() -> out.op(opcode));
    }
  }
}

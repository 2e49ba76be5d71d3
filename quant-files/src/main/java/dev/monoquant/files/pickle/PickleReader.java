package dev.monoquant.files.pickle;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.files.input.ParseBudget;
import dev.monoquant.files.pickle.PickleObject.Call;
import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.spi.ReadLimits;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * Reads a pickle of protocol 2 to 5 into inert data.
 *
 * <p>A loop over an explicit stack, without recursion, so that deep nesting causes no stack
 * overflow. A class or function that is not on the allow-list is refused even if it is never used;
 * one exception lists all of them, each with its location. Memory is bounded by the size of the
 * pickle and by the limits on operations, values and memo.
 *
 * <p>Not thread-safe; one reader reads one pickle. Source: {@code pickletools.py} of CPython 3.13.
 */
public final class PickleReader {

  private static final int MAX_PROTOCOL = 5;
  private static final PickleValue.Text MODULE = new PickleValue.Text("module");

  /** Estimated bytes of a value with its entries on the stack, in a memo and in a container. */
  private static final int VALUE = 56;

  /** Additional bytes of an empty list, dict, set or object. */
  private static final int CONTAINER = 72;

  /** Additional bytes of an item in a dict. */
  private static final int ITEM = 112;

  /**
   * Estimated bytes of an entry on the stack or in the memo, in a container, and in a later walk.
   */
  private static final int PLACE = 48;

  private final PickleFault fault;
  private final PickleInput in;
  private final PickleStack stack;
  private final PickleMemo memo;
  private final PickleTarget target;
  private final PickleGlobals globals;
  private final ReadLimits limits;
  private final ParseBudget budget;
  private final UnaryOperator<String> texts;
  private int operations;
  private int values;

  private PickleReader(
      ByteBuffer data,
      String file,
      String record,
      ReadLimits limits,
      Predicate<Global> allowed,
      UnaryOperator<String> texts) {
    this.texts = texts;
    this.fault = new PickleFault(file, record);
    this.budget = new ParseBudget(file, limits.maxParsedBytes());
    this.in = new PickleInput(data, fault, limits.maxPickleBytes(), budget);
    this.stack = new PickleStack(fault, limits.maxPickleValues());
    this.memo = new PickleMemo(fault, limits.maxPickleValues());
    this.globals = new PickleGlobals(fault, limits, allowed);
    this.target = new PickleTarget(stack, fault, globals);
    this.limits = limits;
  }

  /**
   * A pickle and its length.
   *
   * @param root the value
   * @param bytes the length of the pickle in bytes
   * @param refused the classes and functions that it names and that are not on the allow-list
   */
  public record Read(PickleValue root, int bytes, Set<Global> refused) {

    /** Copies the names, keeping their order. */
    public Read {
      refused = Collections.unmodifiableSet(new LinkedHashSet<>(refused));
    }
  }

  /**
   * Reads the pickle that a buffer begins with.
   *
   * @param data the bytes; its position is not moved
   * @param file the file, for messages
   * @param record the record of the file that the pickle is, for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @param allowed which classes and functions may be named
   * @return the value and the bytes read
   * @throws ModelFormatException if it is damaged, names a class that is not allowed, or exceeds a
   *     limit
   */
  public static Read read(
      ByteBuffer data, String file, String record, ReadLimits limits, Predicate<Global> allowed) {
    return requireAllowed(readInert(data, file, record, limits, allowed), file, record, limits);
  }

  private static Read requireAllowed(Read read, String file, String record, ReadLimits limits) {
    if (!read.refused().isEmpty()) {
      throw refusal(read.refused(), read.root(), file, record, limits);
    }
    return read;
  }

  /**
   * Reads the pickle that a buffer begins with, and accepts classes and functions that are not on
   * the allow-list; the caller decides where these may occur. Objects of them are inert data like
   * all others: nothing is loaded or called.
   *
   * @param data the bytes; its position is not moved
   * @param file the file, for messages
   * @param record the record of the file that the pickle is, for messages
   * @param limits bounds on sizes and counts
   * @param allowed which classes and functions may be named anywhere
   * @return the value, the bytes read and the names that are not allowed
   * @throws ModelFormatException if it is damaged or exceeds a limit
   */
  public static Read readInert(
      ByteBuffer data, String file, String record, ReadLimits limits, Predicate<Global> allowed) {
    return readInert(data, file, record, limits, allowed, UnaryOperator.identity());
  }

  private static Read readInert(
      ByteBuffer data,
      String file,
      String record,
      ReadLimits limits,
      Predicate<Global> allowed,
      UnaryOperator<String> texts) {
    PickleReader reader = new PickleReader(data, file, record, limits, allowed, texts);
    try {
      PickleValue root = reader.run();
      return new Read(root, reader.in.position(), reader.globals.refused());
    } catch (ModelFormatException e) {
      if (!reader.globals.anyRefused()) {
        throw e;
      }
      // Refused names come first in the file, and are the more important message.
      throw reader.globals.refusal(Optional.empty());
    }
  }

  /**
   * Makes the exception for names that are not on the allow-list.
   *
   * @param refused the names
   * @param root the value of the pickle, to locate each name
   * @param file the file, for messages
   * @param record the record of the file that the pickle is, for messages
   * @param limits bounds on sizes and counts
   * @return the exception to throw
   */
  public static ModelFormatException refusal(
      Set<Global> refused, PickleValue root, String file, String record, ReadLimits limits) {
    return PickleGlobals.refusal(refused, Optional.of(root), new PickleFault(file, record), limits);
  }

  /**
   * Reads a pickle that fills a buffer.
   *
   * @param data the bytes; its position is not moved
   * @param file the file, for messages
   * @param record the record of the file that the pickle is, for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @param allowed which classes and functions may be named
   * @return the value
   * @throws ModelFormatException if it is damaged, names a class that is not allowed, or exceeds a
   *     limit
   */
  public static PickleValue readAll(
      ByteBuffer data, String file, String record, ReadLimits limits, Predicate<Global> allowed) {
    return readAll(data, file, record, limits, allowed, UnaryOperator.identity());
  }

  /**
   * Reads a pickle that fills a buffer, and replaces texts.
   *
   * @param data the bytes; its position is not moved
   * @param file the file, for messages
   * @param record the record of the file that the pickle is, for messages
   * @param limits bounds on sizes and counts read from untrusted input
   * @param allowed which classes and functions may be named
   * @param texts gives the text that takes the place of another; it must not be longer
   * @return the value
   * @throws ModelFormatException if it is damaged, names a class that is not allowed, or exceeds a
   *     limit
   */
  public static PickleValue readAll(
      ByteBuffer data,
      String file,
      String record,
      ReadLimits limits,
      Predicate<Global> allowed,
      UnaryOperator<String> texts) {
    Read read = readInert(data, file, record, limits, allowed, texts);
    return whole(requireAllowed(read, file, record, limits), data, file, record).root();
  }

  /**
   * Refuses bytes after a pickle that should fill a buffer.
   *
   * @param read the pickle
   * @param data the buffer
   * @param file the file, for messages
   * @param record the record of the file that the pickle is, for messages
   * @return the pickle
   * @throws ModelFormatException if bytes follow it
   */
  public static Read whole(Read read, ByteBuffer data, String file, String record) {
    if (read.bytes() != data.remaining()) {
      throw new PickleFault(file, record)
          .of(
              Reason.TRAILING_DATA,
              (data.remaining() - read.bytes())
                  + " bytes follow the end of the pickle at byte "
                  + read.bytes()
                  + ". The file was altered; fetch it again.");
    }
    return read;
  }

  private PickleValue run() {
    while (true) {
      if (++operations > limits.maxPickleOps()) {
        throw fault.limit(operations, "operations", limits.maxPickleOps(), "maxPickleOps");
      }
      int opcode = in.opcode();
      if (opcode == Op.STOP) {
        PickleValue root = stack.pop(in.opcodeAt());
        if (stack.size() > 0) {
          throw fault.shape(stack.size() + " more values are left on the stack at the end.");
        }
        return root;
      }
      step(opcode);
    }
  }

  private void step(int opcode) {
    int at = in.opcodeAt();
    switch (opcode) {
      case Op.PROTO -> requireProtocol(in.u1());
      case Op.FRAME -> requireFrame(in.i8());
      case Op.MARK -> {
        budget.charge(PLACE);
        stack.mark();
      }
      case Op.POP -> stack.drop(at);
      case Op.POP_MARK -> stack.popMark(at);
      case Op.DUP -> push(stack.top(at));
      case Op.NONE -> push(PickleValue.None.INSTANCE);
      case Op.NEWTRUE -> push(PickleValue.Bool.TRUE);
      case Op.NEWFALSE -> push(PickleValue.Bool.FALSE);
      case Op.BININT -> make(new PickleValue.Int(in.i4()));
      case Op.BININT1 -> make(new PickleValue.Int(in.u1()));
      case Op.BININT2 -> make(new PickleValue.Int(in.u2()));
      case Op.LONG1 -> make(in.integer(in.u1()));
      case Op.LONG4 -> make(in.integer(in.i4()));
      case Op.BINFLOAT -> make(new PickleValue.Real(in.real()));
      case Op.BINSTRING -> text(in.i4());
      case Op.SHORT_BINSTRING -> text(in.u1());
      case Op.BINUNICODE -> text(in.u4());
      case Op.SHORT_BINUNICODE -> text(in.u1());
      case Op.BINUNICODE8 -> text(in.i8());
      case Op.BINBYTES -> make(new PickleBytes(in.array(in.u4())));
      case Op.SHORT_BINBYTES -> make(new PickleBytes(in.array(in.u1())));
      case Op.BINBYTES8, Op.BYTEARRAY8 -> make(new PickleBytes(in.array(in.i8())));
      case Op.EMPTY_TUPLE -> make(new PickleTuple(List.of()));
      case Op.TUPLE -> make(new PickleTuple(stack.popMark(at)));
      case Op.TUPLE1 -> make(new PickleTuple(stack.pop(1, at)));
      case Op.TUPLE2 -> make(new PickleTuple(stack.pop(2, at)));
      case Op.TUPLE3 -> make(new PickleTuple(stack.pop(3, at)));
      case Op.BINGET -> push(memo.get(in.u1(), at));
      case Op.LONG_BINGET -> push(memo.get(in.u4(), at));
      case Op.BINPUT -> remember(in.u1(), at);
      case Op.LONG_BINPUT -> remember(in.u4(), at);
      case Op.MEMOIZE -> remember(memo.size(), at);
      case Op.BINPERSID -> persistent(stack.pop(at));
      default -> container(opcode, at);
    }
  }

  private void text(long length) {
    make(new PickleValue.Text(texts.apply(in.text(length))));
  }

  /**
   * {@code ('module', class, file, source)} stands for the class of a module; files from before
   * torch 1.6 hold its source, which is skipped.
   */
  private void persistent(PickleValue id) {
    if (id instanceof PickleTuple parts
        && parts.size() == 4
        && parts.get(0).equals(MODULE)
        && parts.get(1) instanceof Global named) {
      push(named);
    } else {
      make(new PicklePersistent(id));
    }
  }

  private void container(int opcode, int at) {
    switch (opcode) {
      case Op.EMPTY_LIST -> make(new PickleList());
      case Op.LIST -> {
        List<PickleValue> items = stack.popMark(at);
        make(new PickleList());
        target.append(items, at);
      }
      case Op.APPEND -> target.append(stack.pop(1, at), at);
      case Op.APPENDS -> target.append(stack.popMark(at), at);
      case Op.EMPTY_DICT -> make(new PickleDict());
      case Op.DICT -> {
        List<PickleValue> items = stack.popMark(at);
        make(new PickleDict());
        put(items, at);
      }
      case Op.SETITEM -> put(stack.pop(2, at), at);
      case Op.SETITEMS -> put(stack.popMark(at), at);
      case Op.EMPTY_SET -> make(new PickleSet(false));
      case Op.ADDITEMS -> target.add(stack.popMark(at), at);
      case Op.FROZENSET -> {
        List<PickleValue> items = stack.popMark(at);
        make(new PickleSet(true));
        target.add(items, at);
      }
      default -> object(opcode, at);
    }
  }

  private void object(int opcode, int at) {
    switch (opcode) {
      case Op.GLOBAL -> make(globals.named(in.line(), in.line()));
      case Op.STACK_GLOBAL -> {
        List<PickleValue> names = stack.pop(2, at);
        if (!(names.get(0) instanceof PickleValue.Text module)
            || !(names.get(1) instanceof PickleValue.Text name)) {
          throw fault.shape("the name at byte " + at + " is not made of two texts.");
        }
        make(globals.named(module.value(), name.value()));
      }
      case Op.INST -> {
        // Protocol 0 only; still, its name is reported first.
        globals.named(in.line(), in.line());
        throw unknown(opcode, at);
      }
      case Op.REDUCE -> call(Call.REDUCE, stack.pop(2, at), at);
      case Op.NEWOBJ -> call(Call.NEW, stack.pop(2, at), at);
      case Op.NEWOBJ_EX -> call(Call.NEW_WITH_KEYWORDS, stack.pop(3, at), at);
      case Op.BUILD -> target.build(at);
      default -> throw unknown(opcode, at);
    }
  }

  private ModelFormatException unknown(int opcode, int at) {
    return fault.opcode("byte " + at + " is operation " + Op.describe(opcode));
  }

  private void make(PickleValue value) {
    if (++values > limits.maxPickleValues()) {
      throw fault.limit(values, "values", limits.maxPickleValues(), "maxPickleValues");
    }
    boolean holds =
        !(value instanceof PickleValue.Int
            || value instanceof PickleValue.Real
            || value instanceof PickleValue.Text);
    budget.charge(VALUE + (holds ? CONTAINER : 0));
    stack.push(value);
  }

  private void push(PickleValue value) {
    budget.charge(PLACE);
    stack.push(value);
  }

  private void remember(long index, int at) {
    // Consecutive indices cost less.
    budget.charge(index == memo.size() ? PLACE : ITEM);
    memo.put(index, stack.top(at));
  }

  private void put(List<PickleValue> items, int at) {
    budget.charge((long) ITEM * (items.size() / 2));
    target.put(items, at);
  }

  private void requireProtocol(int protocol) {
    if (protocol < 2 || protocol > MAX_PROTOCOL) {
      throw fault.opcode("the pickle is of protocol " + protocol + "; 2 to 5 are read");
    }
  }

  private void requireFrame(long length) {
    if (length < 0 || length > in.remaining()) {
      throw fault.truncated(
          "the frame at byte "
              + in.opcodeAt()
              + " has "
              + Long.toUnsignedString(length)
              + " bytes, "
              + in.remaining()
              + " are left.");
    }
  }

  private void call(Call call, List<PickleValue> parts, int at) {
    if (call == Call.REDUCE
        && parts.get(0) instanceof Global enumeration
        && isScript(enumeration)
        && isEnumValue(parts.get(1))) {
      PickleTuple value = new PickleTuple(List.of(parts.get(1)));
      make(new PickleObject(Call.REDUCE_BARE, enumeration, value, Optional.empty()));
      return;
    }
    if (!(parts.get(0) instanceof Global callee)
        || !(parts.get(1) instanceof PickleTuple arguments)) {
      throw fault.shape(
          "the operation at byte "
              + at
              + " calls "
              + parts.get(0).kind()
              + " with "
              + parts.get(1).kind()
              + "; only a class or function can be called, with a tuple.");
    }
    Optional<PickleValue> keywords =
        call == Call.NEW_WITH_KEYWORDS ? Optional.of(parts.get(2)) : Optional.empty();
    make(new PickleObject(call, callee, arguments, keywords));
  }

  private static boolean isScript(Global global) {
    return global.module().equals("__torch__") || global.module().startsWith("__torch__.");
  }

  private static boolean isEnumValue(PickleValue value) {
    return value instanceof PickleValue.Int
        || value instanceof PickleValue.BigInt
        || value instanceof PickleValue.Real
        || value instanceof PickleValue.Text;
  }
}

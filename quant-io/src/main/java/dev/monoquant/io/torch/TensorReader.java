package dev.monoquant.io.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.io.pickle.PickleDict;
import dev.monoquant.io.pickle.PickleList;
import dev.monoquant.io.pickle.PickleObject;
import dev.monoquant.io.pickle.PicklePersistent;
import dev.monoquant.io.pickle.PickleTuple;
import dev.monoquant.io.pickle.PickleValue;
import dev.monoquant.io.pickle.PickleValue.Bool;
import dev.monoquant.io.pickle.PickleValue.Global;
import dev.monoquant.io.pickle.PickleValue.Int;
import dev.monoquant.io.pickle.PickleValue.Text;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Understands what a pickle says of tensors: which view of which storage each is. Every view is
 * checked against its storage, every storage against its record.
 *
 * <p>Known are {@code torch._utils._rebuild_tensor} to {@code _v3}, {@code _rebuild_parameter} and
 * {@code torch._tensor._rebuild_from_type_v2} around them; Python attributes of a tensor are of no
 * account. What this does not do: it reads no data. Not thread-safe.
 */
public final class TensorReader {

  private static final String AGAIN = " The file is damaged or was altered; fetch it again.";

  private final String file;
  private final ReadLimits limits;
  private final StorageFinder finder;
  private final IdentityHashMap<PickleObject, TorchTensor> done = new IdentityHashMap<>();
  private final Map<String, StorageId> types = new HashMap<>();

  /** Finds storages by what the pickle says of them. */
  @FunctionalInterface
  interface StorageFinder {
    /**
     * Finds a storage and checks its size.
     *
     * @param id what the pickle says
     * @param where the tensor, for messages
     */
    Storage find(StorageId id, String where);
  }

  TensorReader(String file, ReadLimits limits, StorageFinder finder) {
    this.file = file;
    this.limits = limits;
    this.finder = finder;
  }

  /**
   * Reads a tensor.
   *
   * @param object what the pickle would call to make it
   * @param name its name, for messages
   * @return the view
   * @throws ModelFormatException if it is none, or lies outside its storage, or cannot be read
   */
  public TorchTensor read(PickleObject object, String name) {
    TorchTensor known = done.get(object);
    if (known != null) {
      return known;
    }
    String where = "tensor " + quote(name);
    TorchTensor tensor = rebuild(innermost(object, where), where);
    done.put(object, tensor);
    return tensor;
  }

  /**
   * Reads a tensor that PyTorch stores quantized.
   *
   * @param object what the pickle would call to make it
   * @param name its name, for messages
   * @return the tensor, or empty if it is not quantized
   * @throws IOException if its scales cannot be read
   * @throws ModelFormatException if it is quantized in a way that is not known, or damaged
   */
  public Optional<QuantizedTensor> readQuantized(PickleObject object, String name)
      throws IOException {
    String where = "tensor " + quote(name);
    PickleObject inner = innermost(object, where);
    if (!TorchGlobals.key(inner.callee()).equals(TorchGlobals.QUANTIZED)) {
      return Optional.empty();
    }
    PickleTuple args = inner.args();
    if (args.size() != 7
        || !(args.get(0) instanceof PicklePersistent storage)
        || !(args.get(1) instanceof Int offset)) {
      throw arity(inner, where);
    }
    StorageId id = StorageId.of(storage, file, where);
    String type = id.type().map(TorchTypes.Entry::name).orElse("bytes");
    if (!type.equals("qint8") && !type.equals("quint8")) {
      throw unreadable(where, "quantized, of the type " + type);
    }
    TorchTensor codes =
        view(
            id,
            type.equals("qint8") ? ElementType.INT8 : ElementType.UINT8,
            offset.value(),
            args,
            Flags.NONE,
            where);
    return Optional.of(new QuantizerReader(this, file, where, name).read(codes, args.get(4)));
  }

  /** Takes off what a pickle wraps around a tensor; how often is its choice, so it is bounded. */
  private PickleObject innermost(PickleObject object, String where) {
    PickleObject inner = object;
    for (int depth = 0; depth <= limits.maxDepth(); depth++) {
      Optional<PickleObject> next = unwrap(inner, where);
      if (next.isEmpty()) {
        return inner;
      }
      inner = next.get();
    }
    throw new ModelFormatException(
        Reason.LIMIT,
        file,
        where,
        "is wrapped more than " + limits.maxDepth() + " times (limit maxDepth)." + AGAIN);
  }

  private Optional<PickleObject> unwrap(PickleObject object, String where) {
    String callee = TorchGlobals.key(object.callee());
    PickleTuple args = object.args();
    requireNothingAfter(object, where);
    switch (callee) {
      case TorchGlobals.PARAMETER, TorchGlobals.PARAMETER_WITH_STATE -> {
        int arity = callee.equals(TorchGlobals.PARAMETER) ? 3 : 4;
        if (args.size() != arity || !(args.get(0) instanceof PickleObject data)) {
          throw arity(object, where);
        }
        return Optional.of(data);
      }
      case TorchGlobals.FROM_TYPE -> {
        if (args.size() != 4
            || !(args.get(0) instanceof Global function)
            || !(args.get(1) instanceof Global type)
            || !(args.get(2) instanceof PickleTuple arguments)) {
          throw arity(object, where);
        }
        if (!type.name().equals("Tensor") && !type.name().equals("Parameter")) {
          throw unreadable(where, "of the class " + quote(type.path()));
        }
        return Optional.of(
            new PickleObject(PickleObject.Call.REDUCE, function, arguments, Optional.empty()));
      }
      default -> {
        return Optional.empty();
      }
    }
  }

  private void requireNothingAfter(PickleObject object, String where) {
    if (object.state().isPresent() || object.items().size() > 0) {
      throw shape(where, "a BUILD or items change it after it was made, which no tensor allows.");
    }
  }

  private TorchTensor rebuild(PickleObject object, String where) {
    String callee = TorchGlobals.key(object.callee());
    String kind = TorchGlobals.UNREADABLE.get(callee);
    if (kind != null) {
      throw unreadable(where, kind);
    }
    PickleTuple args = object.args();
    int least;
    int most;
    switch (callee) {
      case TorchGlobals.REBUILD -> {
        least = 4;
        most = 4;
      }
      case TorchGlobals.REBUILD_V2 -> {
        least = 6;
        most = 7;
      }
      case TorchGlobals.REBUILD_V3 -> {
        least = 7;
        most = 8;
      }
      default -> throw shape(where, "is made by " + quote(object.callee().path()) + ".");
    }
    if (args.size() < least
        || args.size() > most
        || !(args.get(0) instanceof PicklePersistent storage)
        || !(args.get(1) instanceof Int offset)) {
      throw arity(object, where);
    }
    StorageId id = StorageId.of(storage, file, where);
    requireSameStorage(id, where);
    TorchTypes.Entry type =
        type(id, least == 7 ? Optional.of(args.get(6)) : Optional.empty(), where);
    if (type.type().isEmpty()) {
      throw unreadable(where, "of the type " + type.name());
    }
    Flags flags = args.size() == most && most > 4 ? flags(args.get(most - 1), where) : Flags.NONE;
    if (flags.negative() && !isSigned(type)) {
      throw unreadable(where, "a negative view of the type " + type.name());
    }
    return view(id, type.type().get(), offset.value(), args, flags, where);
  }

  private TorchTensor view(
      StorageId id, ElementType type, long offset, PickleTuple args, Flags flags, String where) {
    requireSameStorage(id, where);
    List<Long> sizes = sizes(args.get(2), where);
    List<Long> strides = sizes(args.get(3), where);
    Storage bytes = finder.find(id, where);
    ViewBounds bounds = new ViewBounds(file, where, limits);
    return new TorchTensor(
        bytes,
        type,
        bounds.check(offset, sizes, strides, bytes.size(), type.cellBytes()),
        offset,
        strides,
        flags.conjugate(),
        flags.negative());
  }

  private static boolean isSigned(TorchTypes.Entry type) {
    return switch (type.type().orElseThrow()) {
      case FLOAT16, BFLOAT16, FLOAT32, FLOAT64, COMPLEX64 -> true;
      default -> false;
    };
  }

  private void requireSameStorage(StorageId id, String where) {
    StorageId earlier = types.putIfAbsent(id.key(), id);
    if (earlier != null
        && (!earlier.type().equals(id.type()) || earlier.elements() != id.elements())) {
      throw shape(
          where,
          "storage "
              + quote(id.key())
              + " is said to be "
              + describe(id)
              + ", and elsewhere to be "
              + describe(earlier)
              + ".");
    }
  }

  private static String describe(StorageId id) {
    return id.elements() + " of " + id.type().map(TorchTypes.Entry::name).orElse("bytes");
  }

  private TorchTypes.Entry type(StorageId id, Optional<PickleValue> dtype, String where) {
    if (dtype.isPresent()) {
      if (dtype.get() instanceof Global global && TorchTypes.dtype(global).isPresent()) {
        return TorchTypes.dtype(global).get();
      }
      throw shape(where, "its dtype is " + dtype.get().kind() + ".");
    }
    return id.type()
        .orElseThrow(() -> shape(where, "its storage is of bytes, and no dtype is given."));
  }

  private List<Long> sizes(PickleValue value, String where) {
    PickleValue plain = value;
    if (value instanceof PickleObject object
        && TorchGlobals.key(object.callee()).equals(TorchGlobals.SIZE)
        && object.args().size() == 1) {
      plain = object.args().get(0);
    }
    List<PickleValue> items;
    if (plain instanceof PickleTuple tuple) {
      items = tuple.items();
    } else if (plain instanceof PickleList list) {
      items = list.items();
    } else {
      throw shape(where, "its size or stride is " + value.kind() + ", not a tuple.");
    }
    return items.stream()
        .map(
            i -> {
              if (i instanceof Int number) {
                return number.value();
              }
              throw i instanceof PickleValue.BigInt
                  ? new ModelFormatException(
                      Reason.TENSOR_BOUNDS,
                      file,
                      where,
                      "a size or stride has more than 64 bits." + AGAIN)
                  : shape(where, "a size or stride is " + i.kind() + ".");
            })
        .toList();
  }

  private record Flags(boolean conjugate, boolean negative) {
    static final Flags NONE = new Flags(false, false);
  }

  private Flags flags(PickleValue metadata, String where) {
    if (metadata instanceof PickleValue.None) {
      return Flags.NONE;
    }
    if (!(metadata instanceof PickleDict dict)) {
      throw shape(where, "its metadata is " + metadata.kind() + ", not a dict.");
    }
    boolean conjugate = false;
    boolean negative = false;
    for (PickleDict.Item item : dict.items()) {
      String key = item.key() instanceof Text text ? text.value() : item.key().kind();
      if (!(item.value() instanceof Bool flag)) {
        throw unreadable(where, "one with metadata " + quote(key));
      }
      switch (key) {
        case "conj" -> conjugate = flag.value();
        case "neg" -> negative = flag.value();
        default -> throw unreadable(where, "one with metadata " + quote(key));
      }
    }
    return new Flags(conjugate, negative);
  }

  private ModelFormatException unreadable(String where, String kind) {
    return new ModelFormatException(
        Reason.UNSUPPORTED_TENSOR,
        file,
        where,
        "is "
            + kind
            + "; only plain dense tensors are read, of floats up to 64 bits, complex64 and whole-byte"
            + " integers. Convert it or leave it out, and save the model again.");
  }

  private ModelFormatException arity(PickleObject object, String where) {
    return shape(
        where,
        quote(object.callee().path())
            + " is called with "
            + object.args().size()
            + " arguments that do not fit it.");
  }

  private ModelFormatException shape(String where, String detail) {
    return new ModelFormatException(Reason.PICKLE_SHAPE, file, where, detail + AGAIN);
  }
}

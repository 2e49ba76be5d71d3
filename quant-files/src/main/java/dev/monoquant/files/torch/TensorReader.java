package dev.monoquant.files.torch;

import static dev.monoquant.QuantException.quote;

import dev.monoquant.ModelFormatException;
import dev.monoquant.files.pickle.PickleObject;
import dev.monoquant.files.pickle.PicklePersistent;
import dev.monoquant.files.pickle.PickleTuple;
import dev.monoquant.files.pickle.PickleValue.Int;
import dev.monoquant.files.torch.TensorArguments.Flags;
import dev.monoquant.model.ElementType;
import dev.monoquant.spi.ReadLimits;
import java.io.IOException;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads the tensors of a pickle as views of storages. Checks every view against its storage, and
 * every storage against its record.
 *
 * <p>Supports {@code torch._utils._rebuild_tensor} to {@code _v3}, and {@code _rebuild_parameter}
 * and {@code torch._tensor._rebuild_from_type_v2} around them; ignores Python attributes of a
 * tensor. Does not read data. Not thread-safe.
 */
public final class TensorReader {

  /**
   * The arguments of a function that makes a tensor, after storage, offset, size and stride.
   *
   * @param required the number of required arguments, including those four
   * @param dtype whether the last of them is the type of the tensor
   * @param metadata whether metadata may follow
   */
  private record Signature(int required, boolean dtype, boolean metadata) {

    boolean fits(PickleTuple args) {
      return args.size() == required || takesMetadata(args);
    }

    boolean takesMetadata(PickleTuple args) {
      return metadata && args.size() == required + 1;
    }
  }

  private static final Map<String, Signature> SIGNATURES =
      Map.of(
          TorchGlobals.REBUILD,
          new Signature(4, false, false),
          TorchGlobals.REBUILD_V2,
          new Signature(6, false, true),
          TorchGlobals.REBUILD_V3,
          new Signature(7, true, true));

  private final String file;
  private final ReadLimits limits;
  private final StorageFinder finder;
  private final IdentityHashMap<PickleObject, TorchTensor> done = new IdentityHashMap<>();
  private final Map<String, StorageId> types = new HashMap<>();

  /** Finds storages by their ids. */
  @FunctionalInterface
  interface StorageFinder {
    /**
     * Finds a storage and checks its size.
     *
     * @param id the id in the pickle
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
   * @param object the call that makes the tensor
   * @param name its name, for messages
   * @return the view
   * @throws ModelFormatException if it is not a tensor, exceeds its storage, or is unsupported
   */
  public TorchTensor read(PickleObject object, String name) {
    TorchTensor known = done.get(object);
    if (known != null) {
      return known;
    }
    TensorFault fault = new TensorFault(file, "tensor " + quote(name));
    TorchTensor tensor = rebuild(new TensorWrapping(fault, limits).innermost(object), fault);
    done.put(object, tensor);
    return tensor;
  }

  /**
   * Reads a quantized tensor of PyTorch.
   *
   * @param object the call that makes the tensor
   * @param name its name, for messages
   * @return the tensor, or empty if it is not quantized
   * @throws IOException if its scales cannot be read
   * @throws ModelFormatException if its quantization is unknown, or it is damaged
   */
  public Optional<QuantizedTensor> readQuantized(PickleObject object, String name)
      throws IOException {
    TensorFault fault = new TensorFault(file, "tensor " + quote(name));
    PickleObject inner = new TensorWrapping(fault, limits).innermost(object);
    if (!TorchGlobals.key(inner.callee()).equals(TorchGlobals.QUANTIZED)) {
      return Optional.empty();
    }
    PickleTuple args = inner.args();
    if (args.size() != 7
        || !(args.get(0) instanceof PicklePersistent storage)
        || !(args.get(1) instanceof Int offset)) {
      throw fault.arity(inner);
    }
    StorageId id = StorageId.of(storage, file, fault.where());
    ElementType type =
        switch (nameOfType(id)) {
          case "qint8" -> ElementType.INT8;
          case "quint8" -> ElementType.UINT8;
          default -> throw fault.unreadable("quantized, of the type " + nameOfType(id));
        };
    requireSameStorage(id, fault);
    TorchTensor codes = view(id, type, offset.value(), args, Flags.NONE, fault);
    return Optional.of(
        new QuantizerReader(this::read, file, fault.where(), name).read(codes, args.get(4)));
  }

  private TorchTensor rebuild(PickleObject object, TensorFault fault) {
    String callee = TorchGlobals.key(object.callee());
    String kind = TorchGlobals.UNREADABLE.get(callee);
    if (kind != null) {
      throw fault.unreadable(kind);
    }
    Signature signature = SIGNATURES.get(callee);
    if (signature == null) {
      throw fault.shape("is made by " + quote(object.callee().path()) + ".");
    }
    PickleTuple args = object.args();
    if (!signature.fits(args)
        || !(args.get(0) instanceof PicklePersistent storage)
        || !(args.get(1) instanceof Int offset)) {
      throw fault.arity(object);
    }
    StorageId id = StorageId.of(storage, file, fault.where());
    requireSameStorage(id, fault);
    TensorArguments arguments = new TensorArguments(fault);
    TorchTypes.Entry stored =
        signature.dtype()
            ? arguments.dtype(args.get(signature.required() - 1))
            : id.type()
                .orElseThrow(() -> fault.shape("its storage is of bytes, and no dtype is given."));
    ElementType type =
        stored.type().orElseThrow(() -> fault.unreadable("of the type " + stored.name()));
    Flags flags =
        signature.takesMetadata(args)
            ? arguments.flags(args.get(signature.required()))
            : Flags.NONE;
    if (flags.negative() && !isSigned(type)) {
      throw fault.unreadable("a negative view of the type " + stored.name());
    }
    return view(id, type, offset.value(), args, flags, fault);
  }

  private static boolean isSigned(ElementType type) {
    return switch (type) {
      case FLOAT16, BFLOAT16, FLOAT32, FLOAT64, COMPLEX64 -> true;
      default -> false;
    };
  }

  private TorchTensor view(
      StorageId id,
      ElementType type,
      long offset,
      PickleTuple args,
      Flags flags,
      TensorFault fault) {
    TensorArguments arguments = new TensorArguments(fault);
    List<Long> sizes = arguments.sizes(args.get(2));
    List<Long> strides = arguments.sizes(args.get(3));
    Storage bytes = finder.find(id, fault.where());
    ViewBounds bounds = new ViewBounds(file, fault.where(), limits);
    return new TorchTensor(
        bytes,
        type,
        bounds.check(offset, sizes, strides, bytes.size(), type.cellBytes()),
        offset,
        strides,
        flags.conjugate(),
        flags.negative());
  }

  /** Tensors that share a storage must state the same type and number of elements. */
  private void requireSameStorage(StorageId id, TensorFault fault) {
    StorageId earlier = types.putIfAbsent(id.key(), id);
    if (earlier != null
        && (!earlier.type().equals(id.type()) || earlier.elements() != id.elements())) {
      throw fault.shape(
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
    return id.elements() + " of " + nameOfType(id);
  }

  private static String nameOfType(StorageId id) {
    return id.type().map(TorchTypes.Entry::name).orElse("bytes");
  }
}

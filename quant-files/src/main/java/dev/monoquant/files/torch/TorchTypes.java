package dev.monoquant.files.torch;

import dev.monoquant.files.pickle.PickleValue.Global;
import dev.monoquant.model.ElementType;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * PyTorch's names of element types: as a dtype ({@code torch.float32}) and as the class of a
 * storage ({@code torch.FloatStorage}).
 *
 * <p>Source: {@code torch/storage.py}, {@code _new_dtypes} and {@code _dtype_to_storage_type_map},
 * of torch 2.13.
 */
final class TorchTypes {

  /**
   * An element type.
   *
   * @param name the dtype, such as {@code float32}
   * @param bytes the size in bytes of an element
   * @param type the type; empty if its tensors are unsupported
   */
  record Entry(String name, int bytes, Optional<ElementType> type) {}

  private static final Map<String, Entry> BY_DTYPE = new HashMap<>();
  private static final Map<String, Entry> BY_STORAGE = new HashMap<>();
  private static final Set<String> UNTYPED =
      Set.of("torch.storage.UntypedStorage", "torch.UntypedStorage");

  static {
    add("float32", ElementType.FLOAT32, "Float", "float");
    add("float64", ElementType.FLOAT64, "Double", "double");
    add("float16", ElementType.FLOAT16, "Half", "half");
    add("bfloat16", ElementType.BFLOAT16, "BFloat16");
    add("uint8", ElementType.UINT8, "Byte");
    add("int8", ElementType.INT8, "Char");
    add("int16", ElementType.INT16, "Short", "short");
    add("int32", ElementType.INT32, "Int", "int");
    add("int64", ElementType.INT64, "Long", "long");
    add("uint16", ElementType.UINT16, "UInt16");
    add("uint32", ElementType.UINT32, "UInt32");
    add("uint64", ElementType.UINT64, "UInt64");
    add("bool", ElementType.BOOL, "Bool");
    add("complex64", ElementType.COMPLEX64, "ComplexFloat", "cfloat");
    add("float8_e4m3fn", ElementType.FLOAT8_E4M3, "Float8_e4m3fn");
    add("float8_e5m2", ElementType.FLOAT8_E5M2, "Float8_e5m2");
    add("float8_e4m3fnuz", ElementType.FLOAT8_E4M3FNUZ, "Float8_e4m3fnuz");
    add("float8_e5m2fnuz", ElementType.FLOAT8_E5M2FNUZ, "Float8_e5m2fnuz");
    add("float8_e8m0fnu", ElementType.FLOAT8_E8M0, "Float8_e8m0fnu");
    add("complex128", 16, "ComplexDouble", "cdouble");
    add("complex32", 4, "ComplexHalf", "chalf");
    add("qint8", 1, "QInt8");
    add("quint8", 1, "QUInt8");
    add("qint32", 4, "QInt32");
    add("quint4x2", 1, "QUInt4x2");
    add("quint2x4", 1, "QUInt2x4");
    add("float4_e2m1fn_x2", 1, "Float4_e2m1fn_x2");
    for (int bits = 1; bits < 8; bits++) {
      add("uint" + bits, 1, "UInt" + bits);
      add("int" + bits, 1, "Int" + bits);
    }
    for (int bits : new int[] {1, 2, 4, 8, 16}) {
      String name = bits < 8 ? bits + "x" + 8 / bits : Integer.toString(bits);
      add("bits" + name, Math.max(1, bits / 8), "Bits" + name);
    }
  }

  private TorchTypes() {}

  private static void add(String dtype, ElementType type, String storage, String... aliases) {
    add(new Entry(dtype, type.cellBytes(), Optional.of(type)), storage, aliases);
  }

  private static void add(String dtype, int bytes, String storage, String... aliases) {
    add(new Entry(dtype, bytes, Optional.empty()), storage, aliases);
  }

  private static void add(Entry entry, String storage, String... aliases) {
    BY_DTYPE.put(entry.name(), entry);
    for (String alias : aliases) {
      BY_DTYPE.put(alias, entry);
    }
    BY_STORAGE.put(storage + "Storage", entry);
  }

  /** {@return the type of {@code torch.float32} and the like, or empty} */
  static Optional<Entry> dtype(Global global) {
    return global.module().equals("torch")
        ? Optional.ofNullable(BY_DTYPE.get(global.name()))
        : Optional.empty();
  }

  /** {@return the type of {@code torch.FloatStorage}, also on a GPU, or empty} */
  static Optional<Entry> storage(Global global) {
    return global.module().equals("torch") || global.module().equals("torch.cuda")
        ? Optional.ofNullable(BY_STORAGE.get(global.name()))
        : Optional.empty();
  }

  /** {@return whether it is the class of untyped storages} */
  static boolean isUntyped(Global global) {
    return UNTYPED.contains(global.path()) && !global.name().contains(".");
  }
}

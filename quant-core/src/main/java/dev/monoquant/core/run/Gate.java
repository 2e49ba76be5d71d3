package dev.monoquant.core.run;

import dev.monoquant.PluginException;
import dev.monoquant.model.BFloat16;
import dev.monoquant.model.CellChecks;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Collectors;

/**
 * Checks the result of a scheme against its declaration: the parts, their bytes, and every cell:
 * codes within their range, floats of any size finite, nothing in the unused bits of a byte. All
 * plugin output is checked here, so that a fault names the plugin and not code that fails later.
 */
public final class Gate {

  private static final int NONE = -1;

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long LOW_BITS = 0x7F7F7F7F7F7F7F7FL;
  private static final long HIGH_BITS = 0x8080808080808080L;

  private final EncodedWeight weight;
  private final Map<String, Part> tiled;
  private final Map<String, Part> whole;

  public Gate(EncodedWeight weight) {
    this.weight = weight;
    this.tiled =
        weight.encoding().parts().stream()
            .filter(Part::tiled)
            .collect(Collectors.toMap(Part::name, p -> p));
    this.whole =
        weight.encoding().parts().stream()
            .filter(p -> !p.tiled())
            .collect(Collectors.toMap(Part::name, p -> p));
  }

  /** Checks the tiled parts of some rows. */
  public void check(EncodedTile tile, long firstRow, int height) {
    String rows = "rows " + firstRow + " to " + (firstRow + height - 1);
    if (tile.firstRow() != firstRow || tile.height() != height) {
      throw fault(
          rows,
          "it returned rows " + tile.firstRow() + " to " + (tile.firstRow() + tile.height() - 1));
    }
    checkNames(rows, tile.names(), tiled.keySet());
    for (Part part : tiled.values()) {
      check(rows, part, tile.part(part.name()), height);
    }
  }

  /** Checks the parts that belong to the tensor as a whole. */
  public void checkWhole(Map<String, byte[]> parts) {
    checkNames("the whole tensor", parts.keySet(), whole.keySet());
    parts.forEach(
        (name, bytes) -> {
          Part part = whole.get(name);
          if (part != null) {
            check("the whole tensor", part, bytes, 0);
            if (weight.encoding().groupIndex().filter(part::equals).isPresent()) {
              checkGroups(bytes);
            }
          }
        });
  }

  private void checkGroups(byte[] cells) {
    try {
      weight.encoding().groupOfColumns(cells, weight.matrix().columnCount());
    } catch (IllegalArgumentException e) {
      throw fault("the whole tensor", String.valueOf(e.getMessage()));
    }
  }

  private void checkNames(String rows, Set<String> given, Set<String> declared) {
    if (!given.equals(declared)) {
      Set<String> missing = new HashSet<>(declared);
      missing.removeAll(given);
      Set<String> extra = new HashSet<>(given);
      extra.removeAll(declared);
      throw fault(
          rows,
          "it must return the parts "
              + declared
              + "; missing are "
              + missing
              + ", too many are "
              + extra);
    }
  }

  private void check(String rows, Part part, byte[] bytes, int height) {
    long expected = part.tileBytes(height, weight.matrix().columnCount());
    if (bytes.length != expected) {
      throw fault(
          rows,
          "part " + part.name() + " has " + bytes.length + " bytes, declared are " + expected);
    }
    int bad = firstBad(bytes, part.type());
    if (bad >= 0) {
      throw fault(rows, badCell(part, bytes[bad], bad));
    }
  }

  /**
   * {@return the first cell that is outside the range of its type or not finite; {@link #NONE} if
   * all are valid}
   */
  private static int firstBad(byte[] bytes, ElementType type) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    return switch (type) {
      case FLOAT16 ->
          CellChecks.mayHoldNonFinite(bytes, 0x7C00)
              ? first(bytes.length / 2, i -> Float16.toFloat(buffer.getShort(2 * i)))
              : NONE;
      case BFLOAT16 ->
          CellChecks.mayHoldNonFinite(bytes, 0x7F80)
              ? first(bytes.length / 2, i -> BFloat16.toFloat(buffer.getShort(2 * i)))
              : NONE;
      case FLOAT32 -> first(bytes.length / 4, i -> buffer.getFloat(4 * i));
      case FLOAT64 -> first(bytes.length / 8, i -> buffer.getDouble(8 * i));
      case COMPLEX64 -> {
        int half = first(bytes.length / 4, i -> buffer.getFloat(4 * i));
        yield half < 0 ? half : half / 2;
      }
      case BOOL -> first(bytes.length, i -> (bytes[i] & 0xFE) == 0 ? 0 : Double.NaN);
      default ->
          type.isSmallFloat()
              ? firstOfSmallFloats(bytes, type)
              : type.bits() < 8 ? firstOutOfRange(bytes, type) : NONE;
    };
  }

  private static int firstOfSmallFloats(byte[] bytes, ElementType type) {
    return type == ElementType.FLOAT8_E4M3 && !mayHoldNan(bytes)
        ? NONE
        : first(bytes.length, i -> type.decode(bytes[i]));
  }

  /**
   * Whether the low seven bits of some byte are all 1, the NaN of E4M3; true in doubt. Eight bytes
   * at a time: a byte of 1 to 127 plus 127 has the highest bit, and 0 plus 127 has not.
   */
  private static boolean mayHoldNan(byte[] bytes) {
    long all = HIGH_BITS;
    int words = bytes.length & -Long.BYTES;
    for (int i = 0; i < words; i += Long.BYTES) {
      long zeros = ~(long) LONGS.get(bytes, i) & LOW_BITS;
      all &= zeros + LOW_BITS;
    }
    boolean found = all != HIGH_BITS;
    for (int i = words; i < bytes.length; i++) {
      found |= (bytes[i] & 0x7F) == 0x7F;
    }
    return found;
  }

  private static int firstOutOfRange(byte[] bytes, ElementType type) {
    if (CellChecks.areCodes(bytes, type.bits(), type.signed())) {
      return NONE;
    }
    int min = type.minCode();
    int max = type.maxCode();
    for (int i = 0; i < bytes.length; i++) {
      int code = type.signed() ? bytes[i] : bytes[i] & 0xFF;
      if (code < min || code > max) {
        return i;
      }
    }
    return NONE;
  }

  private static int first(int cells, IntToDoubleFunction cell) {
    for (int i = 0; i < cells; i++) {
      if (!Double.isFinite(cell.applyAsDouble(i))) {
        return i;
      }
    }
    return NONE;
  }

  private static String badCell(Part part, byte cell, int at) {
    ElementType type = part.type();
    String place = " in part " + part.name() + " at " + at;
    if (type.isCode()) {
      int code = type.signed() ? cell : cell & 0xFF;
      return "code " + code + place + " is not within " + type.minCode() + " to " + type.maxCode();
    }
    if (type.cellBytes() == 1) {
      return String.format(
          Locale.ROOT, "byte 0x%02X%s is no finite value of type %s", cell, place, type.wire());
    }
    return "part " + part.name() + " holds a number at " + at + " that is not finite";
  }

  private PluginException fault(String rows, String what) {
    return new PluginException(
        "scheme " + weight.scheme() + " on " + weight.name() + ", " + rows + ": " + what);
  }
}

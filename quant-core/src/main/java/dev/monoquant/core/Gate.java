package dev.monoquant.core;

import dev.monoquant.PluginException;
import dev.monoquant.model.BFloat16;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Float16;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Checks what a scheme returns against what it declared: which parts, how many bytes, codes in
 * range, floats finite. The one place where plugin output enters, so that a fault names the plugin
 * and not whatever breaks later.
 */
final class Gate {

  private final EncodedWeight weight;
  private final Map<String, Part> tiled;
  private final Map<String, Part> whole;

  Gate(EncodedWeight weight) {
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
  void check(EncodedTile tile, long firstRow, int height) {
    String rows = "rows " + firstRow + " to " + (firstRow + height - 1);
    if (tile.firstRow() != firstRow || tile.height() != height) {
      throw fault(
          rows,
          "it returned rows " + tile.firstRow() + " to " + (tile.firstRow() + tile.height() - 1));
    }
    checkNames(rows, tile.names(), tiled.keySet());
    for (Part part : tiled.values()) {
      Part.Grid grid = (Part.Grid) part.extent();
      long cells = Math.multiplyExact(grid.cellRows(height), grid.cellCols(weight.rows().cols()));
      check(rows, part, tile.part(part.name()), cells);
    }
  }

  /** Checks the parts that belong to the tensor as a whole. */
  void checkWhole(Map<String, byte[]> parts) {
    checkNames("the whole tensor", parts.keySet(), whole.keySet());
    parts.forEach(
        (name, bytes) -> {
          Part part = whole.get(name);
          if (part != null) {
            TensorShape shape = part.shape(weight.rows().rows(), weight.rows().cols());
            check("the whole tensor", part, bytes, shape.elements());
          }
        });
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

  private void check(String rows, Part part, byte[] bytes, long cells) {
    long expected = Math.multiplyExact(cells, (long) part.type().cellBytes());
    if (bytes.length != expected) {
      throw fault(
          rows,
          "part " + part.name() + " has " + bytes.length + " bytes, declared are " + expected);
    }
    ElementType type = part.type();
    if (type.isCode() && type.bits() < 8) {
      int bad = firstOutOfRange(bytes, type);
      if (bad >= 0) {
        throw fault(
            rows,
            "code "
                + (type.signed() ? bytes[bad] : bytes[bad] & 0xFF)
                + " in part "
                + part.name()
                + " at "
                + bad
                + " is not within "
                + type.minCode()
                + " to "
                + type.maxCode());
      }
    } else if (type.isQuantizable()) {
      int bad = firstNonFinite(bytes, type);
      if (bad >= 0) {
        throw fault(
            rows, "part " + part.name() + " holds a number at " + bad + " that is not finite");
      }
    }
  }

  private static int firstOutOfRange(byte[] bytes, ElementType type) {
    int min = type.minCode();
    int max = type.maxCode();
    for (int i = 0; i < bytes.length; i++) {
      int code = type.signed() ? bytes[i] : bytes[i] & 0xFF;
      if (code < min || code > max) {
        return i;
      }
    }
    return -1;
  }

  private static int firstNonFinite(byte[] bytes, ElementType type) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int size = type.cellBytes();
    for (int i = 0; i < bytes.length / size; i++) {
      double value =
          switch (type) {
            case FLOAT16 -> Float16.toFloat(buffer.getShort(2 * i));
            case BFLOAT16 -> BFloat16.toFloat(buffer.getShort(2 * i));
            case FLOAT32 -> buffer.getFloat(4 * i);
            default -> buffer.getDouble(8 * i);
          };
      if (!Double.isFinite(value)) {
        return i;
      }
    }
    return -1;
  }

  private PluginException fault(String rows, String what) {
    return new PluginException(
        "scheme " + weight.scheme() + " on " + weight.name() + ", " + rows + ": " + what);
  }
}

package dev.monoquant.testkit.laws;

import dev.monoquant.model.ElementType;
import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/** Reads the bytes of parts for laws. */
final class Parts {

  private Parts() {}

  /** The place of the first difference, as text; empty if there is none. */
  static Optional<String> difference(EncodedTile expected, EncodedTile actual) {
    if (!expected.names().equals(actual.names())) {
      return Optional.of(
          "parts %s instead of %s"
              .formatted(new TreeSet<>(actual.names()), new TreeSet<>(expected.names())));
    }
    for (String name : new TreeSet<>(expected.names())) {
      byte[] a = expected.part(name);
      byte[] b = actual.part(name);
      int at = Arrays.mismatch(a, b);
      if (at >= 0) {
        return Optional.of(
            at < Math.min(a.length, b.length)
                ? "byte %d of part %s is %d instead of %d".formatted(at, name, b[at], a[at])
                : "part %s has %d bytes instead of %d".formatted(name, b.length, a.length));
      }
    }
    return Optional.empty();
  }

  /** A deep copy, for a comparison after other code had access to the original. */
  static EncodedTile copy(EncodedTile tile) {
    Map<String, byte[]> parts = new TreeMap<>();
    for (String name : tile.names()) {
      parts.put(name, tile.part(name).clone());
    }
    return new EncodedTile(tile.firstRow(), tile.height(), parts);
  }

  /** The whole parts of a worker, as a tile without rows. */
  static EncodedTile whole(Map<String, byte[]> parts) {
    return new EncodedTile(0, 0, parts);
  }

  /** The values of a part of a floating point type; empty for all other types. */
  static Optional<float[]> floats(Part part, byte[] bytes) {
    return part.type().isFloatingPoint() ? Optional.of(part.toFloats(bytes)) : Optional.empty();
  }

  /** The parts of a case; empty if it is refused. */
  static List<Part> declared(SchemeCase c) {
    return c.isEncoded() ? c.encoding().parts() : List.of();
  }

  /**
   * The integer codes of an encoding, if any; in an opaque encoding, the part with the usual name.
   */
  static Optional<Part> integerCodes(Encoding encoding) {
    Optional<Part> codes =
        encoding.formula() instanceof Formula.Affine affine
            ? encoding.find(affine.codes())
            : encoding.formula() instanceof Formula.Opaque
                ? encoding.find(Part.CODES)
                : Optional.empty();
    return codes.filter(p -> p.tiled() && p.type().isCode());
  }

  /** The factors of the scale; in an opaque encoding, the part with the usual name. */
  static List<Part> scales(Encoding encoding) {
    List<Formula.Factor> factors =
        encoding.formula() instanceof Formula.Affine affine
            ? affine.scales()
            : encoding.formula() instanceof Formula.Lookup lookup ? lookup.scales() : List.of();
    return encoding.formula() instanceof Formula.Opaque
        ? encoding.find(Part.SCALE).stream().toList()
        : factors.stream().map(f -> encoding.part(f.part())).toList();
  }

  /** The integer that a cell of a code type holds. */
  static int code(ElementType type, byte cell) {
    return type.signed() ? cell : Byte.toUnsignedInt(cell);
  }
}

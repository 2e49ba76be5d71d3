package dev.monoquant.spi;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.CellChecks;
import dev.monoquant.model.ElementType;
import dev.monoquant.tile.Part;

/** Converts codes to floats. A lookup in a table of 1 KiB is faster than a conversion. */
final class Codes {
  final ElementType type;
  private final boolean bytesAreCodes;
  final byte[] bytes;
  final float[] table = new float[256];
  private final float[] signs = new float[256];

  Codes(Part part, byte[] bytes) {
    this.type = part.type();
    this.bytes = bytes;
    // Otherwise the table has NaN for a byte that is no code.
    this.bytesAreCodes =
        type.isCode() && type.signed() && CellChecks.areCodes(bytes, type.bits(), true);
    for (int i = 0; i < table.length; i++) {
      table[i] = part.type().decode((byte) i);
      signs[i] = Math.copySign(1, table[i]);
    }
  }

  /** Whether a kernel decodes them together with their scale; that of floats has no zero point. */
  boolean isFast(boolean zeroPoints) {
    return bytesAreCodes || (isFloat8() && !zeroPoints);
  }

  private boolean isFloat8() {
    return type == ElementType.FLOAT8_E4M3 || type == ElementType.FLOAT8_E5M2;
  }

  void read(int at, int count, float[] to) {
    if (bytesAreCodes) {
      BoundKernels.current().widenBytes(bytes, at, count, to);
    } else if (isFloat8()) {
      BoundKernels.current().widenFloat8(type, bytes, at, count, to);
    } else {
      for (int i = 0; i < count; i++) {
        to[i] = table[bytes[at + i] & 0xFF];
      }
    }
  }

  /** Reads 1 or -1 for each code. */
  void readSigns(int at, int count, float[] to) {
    for (int i = 0; i < count; i++) {
      to[i] = signs[bytes[at + i] & 0xFF];
    }
  }
}

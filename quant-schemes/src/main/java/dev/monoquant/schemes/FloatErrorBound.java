package dev.monoquant.schemes;

import dev.monoquant.model.ElementType;
import dev.monoquant.spi.ErrorBound;
import dev.monoquant.tile.EncodedTile;
import dev.monoquant.tile.Part;

/**
 * The bound on the error of a decoded value, from the largest scale of its row.
 *
 * <p>Let d be what values are divided by, M the largest code, H half the distance between the two
 * largest codes, e the error of d from the largest magnitude of the block over M, and h(m) half the
 * distance between values of the weight's precision at a magnitude m. In units of d:
 *
 * <ul>
 *   <li>a code within the range is off by H for its own rounding, and by h(M) where the quotient
 *       was rounded before;
 *   <li>a code at the end is off by how far the quotient may be beyond it: M * e / d.
 * </ul>
 *
 * <p>The larger of both, times d, plus the rounding of the decoded product, is the bound. Both grow
 * with d, so that the largest scale of a row bounds all of it. Second roundings, of what is
 * computed in float32 and then rounded to 16 bits, add less than 2^-10 of that.
 */
final class FloatErrorBound implements ErrorBound {

  private static final double SECOND_ROUNDINGS = 1 + 0x1p-10;

  /** From a scale as it is stored to d and e. */
  interface Scales {
    /** What values are divided by. */
    double divisor(double scale, EncodedTile tile);

    /** By how much that is off, growing with the scale. */
    double error(double scale, EncodedTile tile);
  }

  private final FloatSpec spec;
  private final Scales scales;

  FloatErrorBound(FloatSpec spec, Scales scales) {
    this.spec = spec;
    this.scales = scales;
  }

  @Override
  public double of(EncodedTile tile, int row) {
    double scale = greatestScale(tile, row);
    double divisor = scales.divisor(scale, tile);
    double error = scales.error(scale, tile);
    Precision precision = spec.precision();
    double max = spec.code().max();
    double rounded = spec.roundsQuotients() ? precision.halfStep(max) : 0;
    double bound =
        Math.max((spec.code().halfStep() + rounded) * divisor, max * error)
            + precision.halfStep(max * divisor);
    if (spec.source() == ElementType.FLOAT64) {
      // The tile's floats are rounded doubles.
      bound += Precision.FLOAT32.halfStep(2 * max * (divisor + error));
    }
    return bound * SECOND_ROUNDINGS;
  }

  private float greatestScale(EncodedTile tile, int row) {
    Part part = spec.scale();
    if (spec.perTensor()) {
      return tile.floatAt(part, 0);
    }
    int size = part.type().cellBytes();
    int from = spec.index(row, 0) * size;
    byte[] cells = new byte[spec.scalesAcross() * size];
    System.arraycopy(tile.part(part.name()), from, cells, 0, cells.length);
    if (size == 1) {
      // The codes of positive floats of 8 bits are in the order of their values.
      int greatest = 0;
      for (byte cell : cells) {
        greatest = Math.max(greatest, cell & 0xFF);
      }
      return part.type().decode((byte) greatest);
    }
    float greatest = 0;
    for (float value : part.toFloats(cells)) {
      greatest = Math.max(greatest, value);
    }
    return greatest;
  }
}

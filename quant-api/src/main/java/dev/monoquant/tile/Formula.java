package dev.monoquant.tile;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;

/**
 * What the parts of a quantized weight mean: how its numbers come out of them. Decoding, the checks
 * of what a scheme returns, TorchScript text and what an output format can hold follow from it.
 *
 * <p>A formula names parts of its {@link Encoding}, which checks that they are there and can be
 * used so. Parts hold logical values: an offset that a file format adds to codes belongs to its
 * layout. Arithmetic is that of float32, each operation rounded to nearest, ties to even; the
 * result is rounded to the type of the weight last, and what is too large becomes infinite then.
 *
 * <p>A part that is no code is used at (row, column) by the cell of its {@link Part.Grid} that
 * covers them; a {@link Part.Whole} of one cell covers all.
 *
 * <p>What this type does not do: it does not say where parts lie in a file, nor how codes were
 * chosen.
 */
public sealed interface Formula {

  /**
   * The numbers in another floating point type: {@code x = values}.
   *
   * @param values the name of the part with a number for each of the weight's
   */
  record Cast(String values) implements Formula {

    /** Checks that nothing is null. */
    public Cast {
      requireNonNull(values, "values");
    }
  }

  /**
   * Codes on a scale: {@code x = (codes - zeroPoint) * scale}. The factors of the scale are
   * combined first, from left to right; then there is one subtraction and one multiplication.
   *
   * @param codes the name of the part with a code for each number: integers or floats of at most 8
   *     bits
   * @param scales the factors of the scale, at least one
   * @param zeroPoint the name of the part with what is subtracted from codes; empty for nothing
   */
  record Affine(String codes, List<Factor> scales, Optional<String> zeroPoint) implements Formula {

    /** Copies the list and checks that it is not empty. */
    public Affine {
      requireNonNull(codes, "codes");
      requireNonNull(zeroPoint, "zeroPoint");
      scales = List.copyOf(scales);
      if (scales.isEmpty()) {
        throw new IllegalArgumentException("an affine formula needs at least one scale");
      }
    }
  }

  /**
   * Codes that are indices: {@code x = table[codes]}, times the scale if there are factors of one.
   *
   * @param codes the name of the part with an index for each number
   * @param table the name of the part with the levels: a {@link Part.Whole} with one dimension, or
   *     a {@link Part.Grid} whose width is their number, such as a table for each row
   * @param scales the factors of the scale, possibly none
   */
  record Lookup(String codes, String table, List<Factor> scales) implements Formula {

    /** Copies the list. */
    public Lookup {
      requireNonNull(codes, "codes");
      requireNonNull(table, "table");
      scales = List.copyOf(scales);
    }
  }

  /**
   * None of these: the scheme brings a decoder, and TorchScript if it can. A format that must know
   * what parts mean keeps such weights in float.
   */
  record Opaque() implements Formula {}

  /**
   * One of the numbers whose product is a scale.
   *
   * @param part the name of the part that holds it
   * @param divides whether the scale is divided by it, as by the global scale of NVFP4
   */
  record Factor(String part, boolean divides) {

    /** Checks that nothing is null. */
    public Factor {
      requireNonNull(part, "part");
    }

    /**
     * {@return a factor that multiplies}
     *
     * @param part the name of the part
     */
    public static Factor times(String part) {
      return new Factor(part, false);
    }

    /**
     * {@return a factor that divides}
     *
     * @param part the name of the part
     */
    public static Factor over(String part) {
      return new Factor(part, true);
    }
  }
}

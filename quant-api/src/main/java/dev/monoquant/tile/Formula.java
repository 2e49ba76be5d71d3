package dev.monoquant.tile;

import static java.util.Objects.requireNonNull;

import java.util.List;
import java.util.Optional;

/**
 * The meaning of the parts of a quantized weight: how to decode its values. The decoder, the checks
 * of a scheme's results, the generated TorchScript and the weights that an output format supports
 * follow from it.
 *
 * <p>A formula names parts of its {@link Encoding}, which checks that they exist and have suitable
 * types and extents. Parts hold logical values: an offset that a file format adds to codes belongs
 * to the layout. Arithmetic is float32, each operation rounded to nearest, ties to even; the result
 * is finally rounded to the type of the weight, and values that are too large become infinite.
 *
 * <p>For the element at (row, column), a part other than the codes supplies the cell of its {@link
 * Part.Grid} that covers that element; a {@link Part.Whole} of one cell covers all elements.
 *
 * <p>What this type does not do: it does not describe where parts are in a file or how codes were
 * chosen.
 */
public sealed interface Formula {

  /**
   * The weight cast to another floating point type: {@code x = values}.
   *
   * @param values the name of the part with the cast values, one for each element of the weight
   */
  record Cast(String values) implements Formula {

    /** Checks that nothing is null. */
    public Cast {
      requireNonNull(values, "values");
    }
  }

  /**
   * Affine quantization: {@code x = (codes - zeroPoint) * scale}. The factors of the scale are
   * combined first, from left to right; then there is one subtraction and one multiplication.
   *
   * @param codes the name of the part with a code for each element: integers or floats of at most 8
   *     bits
   * @param scales the factors of the scale, at least one
   * @param zeroPoint the name of the part with the zero point; empty if there is none
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
   * A lookup table: {@code x = table[codes]}, multiplied by the scale if there are factors.
   *
   * @param codes the name of the part with an index for each element
   * @param table the name of the part with the levels: a {@link Part.Whole} with one dimension, or
   *     a {@link Part.Grid} whose width is the number of levels, such as a table for each row
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
   * No formula: the scheme supplies a decoder and optionally TorchScript. An output format that
   * needs a formula leaves such weights in float.
   */
  record Opaque() implements Formula {}

  /**
   * A factor of a scale.
   *
   * @param part the name of the part that holds it
   * @param divides whether the scale is divided by it, as for the global scale of NVFP4
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

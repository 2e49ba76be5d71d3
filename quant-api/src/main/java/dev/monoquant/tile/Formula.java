package dev.monoquant.tile;

import static java.util.Objects.requireNonNull;

import dev.monoquant.model.ElementType;
import java.util.List;
import java.util.Optional;

/**
 * The meaning of the parts of a quantized weight: how to decode its values. The decoder, the checks
 * of a scheme's results, the generated TorchScript and the weights that an output format supports
 * follow from it.
 *
 * <p>A formula names parts of its {@link Encoding}, which checks that they exist and have suitable
 * types and extents. Parts hold logical values: an offset that a file format adds to codes belongs
 * to the layout. Arithmetic is float32 unless the formula says otherwise, each operation rounded to
 * nearest, ties to even; the result is finally rounded to the type of the weight, and values that
 * are too large become infinite.
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
   * Affine quantization: {@code x = (codes - zeroPoint) * scale - minimum}. The factors of the
   * scale and of the minimum are combined first, from left to right; then there is one subtraction,
   * one multiplication, and one subtraction.
   *
   * <p>With a group index, an element has the field of its group in each part that has several
   * fields along a row: {@code index[column]} instead of {@code column / colsPerCell}. These are
   * the groups of GPTQ with activation order.
   *
   * @param codes the name of the part with a code for each element: integers or floats of at most 8
   *     bits
   * @param scales the factors of the scale, at least one
   * @param zeroPoint the name of the part with the zero point; empty if there is none
   * @param minimums the factors of the minimum; empty if there is none
   * @param groupIndex the name of the part with the group of each column: INT32, a {@link
   *     Part.Whole} as long as a row; empty if groups are runs of columns
   * @param arithmetic the type that the result of each operation is rounded to: FLOAT32, or FLOAT16
   *     or BFLOAT16 for weights that other programs decode in these types
   */
  record Affine(
      String codes,
      List<Factor> scales,
      Optional<String> zeroPoint,
      List<Factor> minimums,
      Optional<String> groupIndex,
      ElementType arithmetic)
      implements Formula {

    /** Copies the lists, and checks that there is a scale and the type of the arithmetic. */
    public Affine {
      requireNonNull(codes, "codes");
      requireNonNull(zeroPoint, "zeroPoint");
      requireNonNull(groupIndex, "groupIndex");
      scales = List.copyOf(scales);
      minimums = List.copyOf(minimums);
      if (scales.isEmpty()) {
        throw new IllegalArgumentException("an affine formula needs at least one scale");
      }
      if (arithmetic != ElementType.FLOAT32
          && arithmetic != ElementType.FLOAT16
          && arithmetic != ElementType.BFLOAT16) {
        throw new IllegalArgumentException(
            "the arithmetic of an affine formula is F32, F16 or BF16, not " + arithmetic.wire());
      }
    }

    /**
     * A formula without minimum and group index, in float32.
     *
     * @param codes the name of the part with the codes
     * @param scales the factors of the scale, at least one
     * @param zeroPoint the name of the part with the zero point; empty if there is none
     */
    public Affine(String codes, List<Factor> scales, Optional<String> zeroPoint) {
      this(codes, scales, zeroPoint, List.of(), Optional.empty(), ElementType.FLOAT32);
    }

    /**
     * {@return this formula with a minimum, subtracted from the product}
     *
     * @param factors the factors of the minimum
     * @param type the type that each operation is rounded to
     */
    public Affine withMinimums(List<Factor> factors, ElementType type) {
      return new Affine(codes, scales, zeroPoint, factors, groupIndex, type);
    }

    /**
     * {@return this formula with a group for each column}
     *
     * @param part the name of the part with the groups
     */
    public Affine withGroupIndex(String part) {
      return new Affine(codes, scales, zeroPoint, minimums, Optional.of(part), arithmetic);
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
   * The weight of another formula with each column divided by a factor: {@code x = y / factor}, the
   * last operation before the result is rounded to the type of the weight. The codes are those of
   * columns that were multiplied by the factors; a kernel that multiplies codes can divide the
   * inputs of the layer instead.
   *
   * @param inner how y is decoded; not opaque, and not divided
   * @param factors the name of the part with the factor of each column: a {@link Part.Whole} of
   *     FLOAT32, as long as a row
   */
  record Divided(Formula inner, String factors) implements Formula {

    /** Checks that there is a formula to divide. */
    public Divided {
      requireNonNull(factors, "factors");
      if (requireNonNull(inner, "inner") instanceof Divided || inner instanceof Opaque) {
        throw new IllegalArgumentException("the columns of " + inner + " cannot be divided");
      }
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

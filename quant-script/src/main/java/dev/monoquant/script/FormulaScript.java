package dev.monoquant.script;

import dev.monoquant.model.ElementType;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Formula;
import dev.monoquant.tile.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Writes a formula as TorchScript: one expression of the named parts, FLOAT32 of shape (rows,
 * cols), with the operations that {@link Formula} defines, so that the numbers are bit-identical.
 *
 * <p>Parts are tensors of their shape: codes are INT8 or UINT8; floats have their own type, or are
 * UINT8 with their bits if torch has no storage for the type. Scales and zero points are expanded
 * to the numbers they apply to, or broadcast if each applies to a whole row or to all rows.
 *
 * <p>What this does not do: it does not support tables for groups of columns or blocks of rows.
 */
final class FormulaScript {

  private final Encoding encoding;
  private final long rows;
  private final long cols;

  private FormulaScript(WeightMatrix weight, Encoding encoding) {
    this.encoding = encoding;
    this.rows = weight.rowCount();
    this.cols = weight.columnCount();
  }

  /**
   * {@return the body of a function; empty for an opaque formula and for unsupported tables}
   *
   * @param weight the weight
   * @param encoding its encoding
   */
  static Optional<String> of(WeightMatrix weight, Encoding encoding) {
    Optional<String> expression = new FormulaScript(weight, encoding.undivided()).expression();
    return encoding
        .columnFactors()
        .map(factors -> expression.map(e -> "torch.div(" + e + ", " + factors.name() + ")"))
        .orElse(expression)
        .map(e -> "return " + e);
  }

  private Optional<String> expression() {
    if (encoding.formula() instanceof Formula.Cast cast) {
      return Optional.of(numbers(cast.values()));
    }
    if (encoding.formula() instanceof Formula.Affine affine) {
      return Optional.of(affine(affine));
    }
    if (encoding.formula() instanceof Formula.Lookup lookup) {
      return table(lookup)
          .map(
              t ->
                  lookup.scales().isEmpty()
                      ? t
                      : "torch.mul("
                          + t
                          + ", "
                          + scale(lookup.scales(), ElementType.FLOAT32)
                          + ")");
    }
    return Optional.empty();
  }

  private String affine(Formula.Affine affine) {
    ElementType steps = affine.arithmetic();
    String levels = numbers(affine.codes());
    if (affine.zeroPoint().isPresent()) {
      levels =
          rounded("torch.sub(" + levels + ", " + spread(affine.zeroPoint().get()) + ")", steps);
    }
    String product =
        rounded("torch.mul(" + levels + ", " + scale(affine.scales(), steps) + ")", steps);
    return affine.minimums().isEmpty()
        ? product
        : rounded("torch.sub(" + product + ", " + scale(affine.minimums(), steps) + ")", steps);
  }

  /** Rounds to a type of 16 bits and back to float32. */
  private static String rounded(String numbers, ElementType to) {
    return switch (to) {
      case FLOAT16 -> "torch.to(torch.to(" + numbers + ", 5), 6)";
      case BFLOAT16 -> "torch.to(torch.to(" + numbers + ", 15), 6)";
      default -> numbers;
    };
  }

  private Optional<String> table(Formula.Lookup lookup) {
    Part table = encoding.part(lookup.table());
    String index = "torch.to(" + lookup.codes() + ", 4)";
    String levels = numbers(table.name());
    if (!(table.extent() instanceof Part.Grid grid)) {
      return Optional.of("torch.take(" + levels + ", " + index + ")");
    }
    return grid.rowsPerCell() == 1 && grid.cellCols(cols) == grid.width()
        ? Optional.of("torch.gather(" + levels + ", 1, " + index + ")")
        : Optional.empty();
  }

  private String scale(List<Formula.Factor> factors, ElementType steps) {
    String scale = spread(factors.get(0).part());
    if (factors.get(0).divides()) {
      scale = rounded("torch.reciprocal(" + scale + ")", steps);
    }
    for (Formula.Factor factor : factors.subList(1, factors.size())) {
      String operation = factor.divides() ? "torch.div(" : "torch.mul(";
      scale = rounded(operation + scale + ", " + spread(factor.part()) + ")", steps);
    }
    return scale;
  }

  /**
   * Writes the numbers of a part whose cells apply to several numbers, in a shape that broadcasts
   * to (rows, cols).
   */
  private String spread(String name) {
    String numbers = numbers(name);
    if (!(encoding.part(name).extent() instanceof Part.Grid grid)) {
      return "torch.reshape(" + numbers + ", [1])";
    }
    if (grid.rowsPerCell() > 1) {
      numbers = repeated(numbers, Math.min(grid.rowsPerCell(), rows), 0, rows);
    }
    Optional<Part> index = encoding.groupIndex();
    if (index.isPresent() && grid.cellCols(cols) > 1) {
      return "torch.index_select(" + numbers + ", 1, torch.to(" + index.get().name() + ", 4))";
    }
    return grid.cellCols(cols) > 1 && grid.colsPerCell() > 1
        ? repeated(numbers, grid.colsPerCell(), 1, cols)
        : numbers;
  }

  private static String repeated(String numbers, long times, int axis, long count) {
    return "torch.slice(torch.repeat_interleave("
        + numbers
        + ", "
        + times
        + ", "
        + axis
        + "), "
        + axis
        + ", 0, "
        + count
        + ")";
  }

  /** Looks up small floats by their bits if torch has no storage for their type. */
  private String numbers(String name) {
    ElementType type = encoding.part(name).type();
    String floats =
        type.isSmallFloat() && !Pickles.hasStorage(type)
            ? "torch.take(torch.tensor(" + values(type) + "), torch.to(" + name + ", 4))"
            : name;
    return "torch.to(" + floats + ", 6)";
  }

  /** NaN and infinities have no literal and become zero; written outputs do not contain them. */
  private static List<Float> values(ElementType type) {
    List<Float> values = new ArrayList<>();
    for (int code = 0; code < 1 << type.bits(); code++) {
      float value = type.decode((byte) code);
      values.add(Float.isFinite(value) ? value : 0f);
    }
    return values;
  }
}

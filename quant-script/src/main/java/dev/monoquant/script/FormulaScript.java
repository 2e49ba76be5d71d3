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
 * A formula as TorchScript: one expression over the parts by their names, FLOAT32 of shape (rows,
 * cols), with the very operations that {@link Formula} defines, so that the numbers are the same to
 * the bit.
 *
 * <p>Parts are tensors of their shape: codes INT8 or UINT8, floats of their own type, or the UINT8
 * of their bits where torch has no storage for it. Scales and zero points are spread over the
 * numbers they are for, or left to broadcasting where each is for a whole row or for all.
 *
 * <p>What this does not do: tables for groups of columns or blocks of rows.
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
   * {@return the body of a function; empty for an opaque formula, and for tables that this does not
   * do}
   *
   * @param weight the weight
   * @param encoding its encoding
   */
  static Optional<String> of(WeightMatrix weight, Encoding encoding) {
    return new FormulaScript(weight, encoding).expression().map(e -> "return " + e);
  }

  private Optional<String> expression() {
    if (encoding.formula() instanceof Formula.Cast cast) {
      return Optional.of(numbers(cast.values()));
    }
    if (encoding.formula() instanceof Formula.Affine affine) {
      String codes = numbers(affine.codes());
      String levels =
          affine.zeroPoint().map(z -> "torch.sub(" + codes + ", " + spread(z) + ")").orElse(codes);
      return Optional.of("torch.mul(" + levels + ", " + scale(affine.scales()) + ")");
    }
    if (encoding.formula() instanceof Formula.Lookup lookup) {
      return table(lookup)
          .map(
              t ->
                  lookup.scales().isEmpty()
                      ? t
                      : "torch.mul(" + t + ", " + scale(lookup.scales()) + ")");
    }
    return Optional.empty();
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

  private String scale(List<Formula.Factor> factors) {
    String scale = spread(factors.get(0).part());
    if (factors.get(0).divides()) {
      scale = "torch.reciprocal(" + scale + ")";
    }
    for (Formula.Factor factor : factors.subList(1, factors.size())) {
      String operation = factor.divides() ? "torch.div(" : "torch.mul(";
      scale = operation + scale + ", " + spread(factor.part()) + ")";
    }
    return scale;
  }

  /** The numbers of a part with one cell for many, in a shape that broadcasts to (rows, cols). */
  private String spread(String name) {
    String numbers = numbers(name);
    if (!(encoding.part(name).extent() instanceof Part.Grid grid)) {
      return "torch.reshape(" + numbers + ", [1])";
    }
    if (grid.rowsPerCell() > 1) {
      numbers = repeated(numbers, Math.min(grid.rowsPerCell(), rows), 0, rows);
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

  /** Small floats without a storage type in torch are looked up by their bits. */
  private String numbers(String name) {
    ElementType type = encoding.part(name).type();
    String floats =
        type.isSmallFloat() && !Pickles.hasStorage(type)
            ? "torch.take(torch.tensor(" + values(type) + "), torch.to(" + name + ", 4))"
            : name;
    return "torch.to(" + floats + ", 6)";
  }

  /** NaN and infinities, which nothing that is written holds, have no literal: zero instead. */
  private static List<Float> values(ElementType type) {
    List<Float> values = new ArrayList<>();
    for (int code = 0; code < 1 << type.bits(); code++) {
      float value = type.decode((byte) code);
      values.add(Float.isFinite(value) ? value : 0f);
    }
    return values;
  }
}

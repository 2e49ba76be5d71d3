package dev.monoquant.testkit.laws;

import dev.monoquant.testkit.SchemeCase;
import dev.monoquant.tile.Part;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/**
 * Requirements on the cases of a scheme, without which the other laws miss errors: with a single
 * group, a scheme that uses the scale of the first group for all groups would pass.
 */
public final class CoverageLaws {

  private CoverageLaws() {}

  /**
   * For each part whose cells are shared by several columns, some weight has at least two such
   * groups of columns; the same for rows.
   *
   * @param cases the cases of a scheme; refused cases are ignored, and the law does not apply if
   *     there is no such part
   */
  public static void casesHaveTwoGroups(Collection<SchemeCase> cases) {
    String law = "casesHaveTwoGroups";
    Map<String, Long> columns = new TreeMap<>();
    Map<String, Long> rows = new TreeMap<>();
    for (SchemeCase c : cases) {
      for (Part part : Parts.declared(c)) {
        if (part.extent() instanceof Part.Grid grid) {
          if (grid.colsPerCell() > 1 && grid.colsPerCell() != Part.Grid.ALL) {
            String what = part.name() + " of " + grid.colsPerCell() + " columns";
            columns.merge(what, grid.cellCols(c.weight().cols()) / grid.width(), Math::max);
          }
          if (grid.rowsPerCell() > 1) {
            String what = part.name() + " of " + grid.rowsPerCell() + " rows";
            rows.merge(what, grid.cellRows(c.weight().height()), Math::max);
          }
        }
      }
    }
    if (columns.isEmpty() && rows.isEmpty()) {
      throw new NotApplicable(law, "no part has cells for groups of columns or rows");
    }
    requireTwo(law, columns, "raise maxCols()");
    requireTwo(law, rows, "raise maxRows()");
  }

  private static void requireTwo(String law, Map<String, Long> most, String remedy) {
    most.forEach(
        (what, count) -> {
          if (count < 2) {
            throw new LawViolation(law, what, "no case had two groups: " + remedy);
          }
        });
  }

  /**
   * Some weight has a number of columns that is not a multiple of the group size, if the scheme
   * accepts such weights.
   *
   * @param cases the cases of a scheme; the law does not apply if it refuses such weights, or has
   *     no groups
   */
  public static void casesHaveRaggedGroups(Collection<SchemeCase> cases) {
    boolean ragged =
        cases.stream()
            .anyMatch(c -> Parts.declared(c).stream().anyMatch(part -> isRagged(c, part)));
    if (!ragged) {
      throw new NotApplicable(
          "casesHaveRaggedGroups",
          "the scheme accepted no weight whose columns are no multiple of the group size");
    }
  }

  private static boolean isRagged(SchemeCase c, Part part) {
    return part.extent() instanceof Part.Grid grid
        && grid.colsPerCell() != Part.Grid.ALL
        && c.weight().cols() % grid.colsPerCell() != 0;
  }
}

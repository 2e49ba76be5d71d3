package dev.monoquant.core.run;

import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.RowRange;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import java.util.ArrayList;
import java.util.List;

/**
 * The NaN and infinities of a weight, or of a part of it: their numbers and first positions.
 *
 * @param nans the number of NaN
 * @param infinities the number of infinities of either sign
 * @param first the lowest positions, as indices into the tensor's memory, ascending, at most {@link
 *     #SHOWN}
 */
public record NonFinites(long nans, long infinities, List<Long> first) {

  static final int SHOWN = 5;
  public static final NonFinites NONE = new NonFinites(0, 0, List.of());

  public NonFinites {
    first = List.copyOf(first);
  }

  /**
   * Counts the non-finite values in some rows of a weight; the matrix is as {@link RowReader} reads
   * it.
   */
  public static NonFinites in(float[] values, WeightMatrix rows, long firstRow, int height) {
    int cols = Math.toIntExact(rows.columnCount());
    long nans = 0;
    long infinities = 0;
    List<Long> places = new ArrayList<>();
    for (int i = 0; i < height * cols; i++) {
      if (!Float.isFinite(values[i])) {
        nans += Float.isNaN(values[i]) ? 1 : 0;
        infinities += Float.isInfinite(values[i]) ? 1 : 0;
        // Where rows are not the first axis, later cells of the matrix may come first in memory.
        if (places.size() < SHOWN || rows.rowAxis() != 0) {
          places.add(place(rows, firstRow + i / cols, i % cols));
        }
      }
    }
    return new NonFinites(nans, infinities, lowest(places));
  }

  private static List<Long> lowest(List<Long> places) {
    return places.stream().sorted().limit(SHOWN).toList();
  }

  /** The index into the tensor's memory of a cell of the matrix. */
  private static long place(WeightMatrix rows, long row, long col) {
    WeightMatrix.Runs runs = rows.runs(new RowRange(row, 1));
    return runs.start((int) (col / runs.width())) + col % runs.width();
  }

  public NonFinites plus(NonFinites other) {
    List<Long> places = new ArrayList<>(first);
    places.addAll(other.first);
    return new NonFinites(nans + other.nans, infinities + other.infinities, lowest(places));
  }

  boolean isEmpty() {
    return nans + infinities == 0;
  }

  /** Such as {@code 1 NaN, 2 Inf of 64, first at [0,3], [1,7]}. */
  public String describe(TensorShape shape) {
    StringBuilder out = new StringBuilder();
    out.append(nans).append(" NaN, ").append(infinities).append(" Inf of ");
    out.append(shape.elements());
    String before = ", first at ";
    for (long place : first) {
      out.append(before).append(position(shape, place));
      before = ", ";
    }
    return out.toString();
  }

  private static String position(TensorShape shape, long place) {
    StringBuilder out = new StringBuilder("]");
    long rest = place;
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      out.insert(0, rest % shape.dim(axis)).insert(0, axis == 0 ? "[" : ",");
      rest /= shape.dim(axis);
    }
    return out.toString();
  }

  /** Whether any of the first {@code count} numbers is NaN or infinite. */
  public static boolean any(float[] values, int count) {
    return !Float.isFinite(BoundKernels.current().absMax(values, 0, count));
  }
}

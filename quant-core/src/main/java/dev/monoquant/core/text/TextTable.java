package dev.monoquant.core.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Aligned columns of plain text: the first row is the header, numbers are aligned to the right.
 * Every row is complete in itself. A table that would be wider than the terminal loses columns, and
 * then the middle of the names in its first column.
 */
public final class TextTable {

  private static final String GAP = "  ";
  private static final int LEAST_NAME = 20;

  private final List<String[]> rows = new ArrayList<>();
  private final boolean[] right;
  private final boolean[] optional;

  /**
   * A table with a header.
   *
   * @param header the titles; one that starts with {@code >} aligns its column to the right, one
   *     that starts with {@code ?}, before that, is left out of a table that would be too wide
   */
  public TextTable(String... header) {
    right = new boolean[header.length];
    optional = new boolean[header.length];
    String[] titles = new String[header.length];
    for (int i = 0; i < header.length; i++) {
      optional[i] = header[i].startsWith("?");
      String title = optional[i] ? header[i].substring(1) : header[i];
      right[i] = title.startsWith(">");
      titles[i] = right[i] ? title.substring(1) : title;
    }
    rows.add(titles);
  }

  public void row(String... cells) {
    if (cells.length != right.length) {
      throw new IllegalArgumentException(cells.length + " cells for " + right.length + " columns");
    }
    rows.add(cells);
  }

  /** Appends all rows, each ended by {@code \n}, without trailing blanks. */
  public void appendTo(StringBuilder out) {
    appendTo(out, Integer.MAX_VALUE);
  }

  /**
   * Appends all rows, none wider than a terminal if that can be.
   *
   * @param width the number of letters that fit in a row; a name keeps at least {@value
   *     #LEAST_NAME} of them
   */
  public void appendTo(StringBuilder out, int width) {
    int[] widths = new int[right.length];
    for (String[] row : rows) {
      Arrays.setAll(widths, i -> Math.max(widths[i], width(row[i])));
    }
    boolean[] shown = new boolean[right.length];
    Arrays.fill(shown, true);
    for (int i = right.length - 1; i > 0; i--) {
      shown[i] = !optional[i] || Math.min(widths[0], LEAST_NAME) + others(widths, shown) <= width;
    }
    widths[0] = (int) Math.min(widths[0], Math.max(LEAST_NAME, width - others(widths, shown)));
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.length; i++) {
        if (shown[i]) {
          String cell = i == 0 ? Text.shortened(row[0], widths[0]) : row[i];
          String pad = " ".repeat(widths[i] - width(cell));
          line.append(i == 0 ? "" : GAP).append(right[i] ? pad + cell : cell + pad);
        }
      }
      out.append(line.toString().stripTrailing()).append('\n');
    }
  }

  /** The width of all columns but the first, with their gaps. */
  private static long others(int[] widths, boolean[] shown) {
    return IntStream.range(1, widths.length)
        .filter(i -> shown[i])
        .mapToLong(i -> widths[i] + GAP.length())
        .sum();
  }

  private static int width(String text) {
    return text.codePointCount(0, text.length());
  }
}

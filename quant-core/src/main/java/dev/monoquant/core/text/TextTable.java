package dev.monoquant.core.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Aligned columns of plain text: the first row is the header, numbers are aligned to the right. */
public final class TextTable {

  private static final String GAP = "  ";
  private static final int LEAST_NAME = 20;

  private final List<String[]> rows = new ArrayList<>();
  private final boolean[] right;

  /**
   * A table with a header.
   *
   * @param header the titles; one that starts with {@code >} aligns its column to the right
   */
  public TextTable(String... header) {
    right = new boolean[header.length];
    String[] titles = new String[header.length];
    for (int i = 0; i < header.length; i++) {
      right[i] = header[i].startsWith(">");
      titles[i] = right[i] ? header[i].substring(1) : header[i];
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
   * Appends all rows, and shortens names in the first column in the middle if a row would be wider
   * than a terminal.
   *
   * @param width the number of letters that fit in a row; a name keeps at least {@value
   *     #LEAST_NAME} of them
   */
  public void appendTo(StringBuilder out, int width) {
    int[] widths = new int[right.length];
    for (String[] row : rows) {
      Arrays.setAll(widths, i -> Math.max(widths[i], width(row[i])));
    }
    long others = Arrays.stream(widths, 1, widths.length).asLongStream().map(w -> w + 2).sum();
    widths[0] = (int) Math.min(widths[0], Math.max(LEAST_NAME, width - others));
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.length; i++) {
        String cell = i == 0 ? Text.shortened(row[0], widths[0]) : row[i];
        String pad = " ".repeat(widths[i] - width(cell));
        line.append(i == 0 ? "" : GAP).append(right[i] ? pad + cell : cell + pad);
      }
      out.append(line.toString().stripTrailing()).append('\n');
    }
  }

  private static int width(String text) {
    return text.codePointCount(0, text.length());
  }
}

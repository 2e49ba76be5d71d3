package dev.monoquant.core.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Aligned columns of plain text: the first row is the header, numbers are aligned to the right.
 * Every row is complete in itself. A table that would be wider than the terminal loses columns, and
 * then what long names in its first column have in common, or else their middle.
 */
public final class TextTable {

  private static final String GAP = "  ";
  private static final int LEAST_NAME = 20;

  private static final String DOTS = "...";

  /** What a name is given before columns are: {@code model.layers.10.self_attn.k_proj.weight}. */
  private static final int FULL_NAME = 40;

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
    int wanted = Math.min(widths[0], Math.min(FULL_NAME, Math.max(LEAST_NAME, cores())));
    for (int i = right.length - 1; i > 0; i--) {
      shown[i] = !optional[i] || wanted + others(widths, shown) <= width;
    }
    widths[0] = (int) Math.min(widths[0], Math.max(LEAST_NAME, width - others(widths, shown)));
    List<String> names = names(widths[0]);
    String blanks = " ".repeat(Arrays.stream(widths).max().orElse(0));
    for (int at = 0; at < rows.size(); at++) {
      String[] row = rows.get(at);
      int start = out.length();
      for (int i = 0; i < row.length; i++) {
        if (shown[i]) {
          String cell = i == 0 ? names.get(at) : row[i];
          int pad = widths[i] - width(cell);
          out.append(i == 0 ? "" : GAP);
          out.append(blanks, 0, right[i] ? pad : 0).append(cell);
          out.append(blanks, 0, right[i] ? 0 : pad);
        }
      }
      int end = out.length();
      while (end > start && Character.isWhitespace(out.charAt(end - 1))) {
        end--;
      }
      out.setLength(end);
      out.append('\n');
    }
  }

  /** The width of the longest name without what long names have in common. */
  private int cores() {
    List<String> names = longer(LEAST_NAME);
    int ends = head(names) + tail(names);
    return names.stream().mapToInt(n -> width(n) - ends + 2 * DOTS.length()).max().orElse(0);
  }

  private List<String> names(int width) {
    List<String> names = longer(width);
    int head = head(names);
    int tail = tail(names);
    return rows.stream().map(row -> shortened(row[0], head, tail, width)).toList();
  }

  /**
   * A name without as many of its first parts as it takes, if they are among those that all long
   * names have; then without their last part; else without its middle.
   */
  private static String shortened(String name, int head, int tail, int width) {
    if (width(name) <= width || head + tail >= name.length()) {
      return Text.shortened(name, width);
    }
    for (String end : List.of("", name.substring(name.length() - tail))) {
      String rest = name.substring(0, name.length() - end.length());
      String dots = end.isEmpty() ? "" : DOTS;
      for (int cut = 0; cut <= head; cut = cut == head ? head + 1 : rest.indexOf('.', cut) + 1) {
        String shown = (cut == 0 ? "" : DOTS) + rest.substring(cut) + dots;
        if (width(shown) <= width) {
          return shown;
        }
      }
    }
    return Text.shortened(name.substring(head, name.length() - tail), width);
  }

  private List<String> longer(int width) {
    return rows.stream().skip(1).map(row -> row[0]).filter(n -> width(n) > width).toList();
  }

  /** The letters of the parts, with their dots, that all names begin with. */
  private static int head(List<String> names) {
    String first = names.isEmpty() ? "" : names.get(0);
    int head = names.size() < 2 ? -1 : first.lastIndexOf('.');
    while (head >= 0) {
      String start = first.substring(0, head + 1);
      if (names.stream().allMatch(n -> n.startsWith(start))) {
        break;
      }
      head = first.lastIndexOf('.', head - 1);
    }
    return head + 1;
  }

  /** The letters of the last part, with its dot, if all names end with it. */
  private static int tail(List<String> names) {
    String first = names.isEmpty() ? "" : names.get(0);
    int dot = names.size() < 2 ? -1 : first.lastIndexOf('.');
    return dot > 0 && names.stream().allMatch(n -> n.endsWith(first.substring(dot)))
        ? first.length() - dot
        : 0;
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

package dev.monoquant.core.render;

import dev.monoquant.core.text.Text;
import java.util.List;
import java.util.Optional;

/** Charts as SVG inside HTML. Colours come from classes of the page's style sheet. */
final class Chart {

  /** The number of colours for series; further series share the last. */
  static final int COLOURS = 6;

  private static final int WIDTH = 440;
  private static final int HEIGHT = 280;
  private static final int LEFT = 66;
  private static final int RIGHT = 12;
  private static final int TOP = 10;
  private static final int BOTTOM = 44;

  private static final double RADIUS = 3.5;

  private static final int BAR = 12;
  private static final int ROW = 50;

  private Chart() {}

  /** A point with the text that is shown when it is pointed at. */
  record Point(double x, double y, int series, String text, double radius) {

    Point(double x, double y, int series, String text) {
      this(x, y, series, text, RADIUS);
    }
  }

  /** Two bars under a label. */
  record Pair(String label, long before, long after) {}

  /**
   * Points in a plane.
   *
   * @param title what the chart shows, for readers that do not see it
   * @param x the horizontal axis
   * @param y the vertical axis
   * @param labels the names of the axes
   * @param points the points
   * @param limit a horizontal line, with its label
   * @param line a line that is drawn, besides
   */
  record Scatter(
      String title,
      Axis x,
      Axis y,
      List<String> labels,
      List<Point> points,
      Optional<Double> limit,
      Line line) {

    /** A line across the chart. */
    enum Line {
      NONE,
      /** On it, both numbers are equal. */
      DIAGONAL,
      /** It joins the points of the first series in their order. */
      CURVE
    }

    void appendTo(StringBuilder out) {
      open(title, HEIGHT, out);
      for (Axis.Tick tick : x.ticks()) {
        double at = across(tick.at());
        Chart.line("grid", at, TOP, at, HEIGHT - BOTTOM, out);
        label("middle", at, HEIGHT - BOTTOM + 16.0, tick.label(), out);
      }
      for (Axis.Tick tick : y.ticks()) {
        double at = down(tick.at());
        Chart.line("grid", LEFT, at, WIDTH - RIGHT, at, out);
        label("end", LEFT - 6.0, at + 4, tick.label(), out);
      }
      label("middle", (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8.0, labels.get(0), out);
      out.append(
          Text.format(
              "<text text-anchor=\"middle\" transform=\"translate(13 %d) rotate(-90)\">%s</text>\n",
              (TOP + HEIGHT - BOTTOM) / 2, Markup.text(labels.get(1))));
      if (line == Line.CURVE) {
        out.append("<polyline class=\"curve\" points=\"");
        points.stream()
            .filter(point -> point.series() == 0)
            .forEach(p -> out.append(Text.format("%.1f,%.1f ", across(p.x()), down(p.y()))));
        out.append("\"/>\n");
      }
      if (line == Line.DIAGONAL) {
        double from = Math.max(x.min(), y.min());
        double to = Math.min(x.max(), y.max());
        Chart.line("diagonal", across(from), down(from), across(to), down(to), out);
      }
      limit.ifPresent(at -> Chart.line("limit", LEFT, down(at), WIDTH - RIGHT, down(at), out));
      for (Point point : points) {
        out.append(
            Text.format(
                "<circle class=\"s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\">",
                Math.min(point.series(), COLOURS - 1),
                across(point.x()),
                down(point.y()),
                point.radius()));
        if (!point.text().isEmpty()) {
          out.append("<title>").append(Markup.text(point.text())).append("</title>");
        }
        out.append("</circle>\n");
      }
      out.append("</svg>\n");
    }

    private double across(double number) {
      return LEFT + x.place(number) * (WIDTH - LEFT - RIGHT);
    }

    private double down(double number) {
      return HEIGHT - BOTTOM - y.place(number) * (HEIGHT - TOP - BOTTOM);
    }
  }

  /** Pairs of bars, one under the other; all have the same scale. */
  static void bars(String title, List<Pair> pairs, StringBuilder out) {
    long most = pairs.stream().mapToLong(p -> Math.max(p.before(), p.after())).max().orElse(1);
    open(title, ROW * pairs.size() + 4, out);
    int top = 0;
    for (Pair pair : pairs) {
      label("start", 0, top + 14.0, pair.label(), out);
      bar("before", top + 19, pair.before(), most, out);
      bar("after", top + 19 + BAR + 2, pair.after(), most, out);
      top += ROW;
    }
    out.append("</svg>\n");
  }

  private static void bar(String style, int top, long bytes, long most, StringBuilder out) {
    double width = Math.max(1, (WIDTH - 90.0) * bytes / Math.max(1, most));
    out.append(
        Text.format(
            "<rect class=\"%s\" x=\"0\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n",
            style, top, width, BAR));
    label("start", width + 6, top + 10.0, Text.bytes(bytes), out);
  }

  private static void open(String title, int height, StringBuilder out) {
    out.append(
        Text.format(
            "<svg role=\"img\" viewBox=\"0 0 %d %d\" aria-label=\"%s\">\n",
            WIDTH, height, Markup.text(title)));
  }

  private static void line(
      String style, double x1, double y1, double x2, double y2, StringBuilder out) {
    out.append(
        Text.format(
            "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
            style, x1, y1, x2, y2));
  }

  private static void label(String anchor, double x, double y, String text, StringBuilder out) {
    out.append(
        Text.format(
            "<text text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
            anchor, x, y, Markup.text(text)));
  }
}

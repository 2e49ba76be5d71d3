package dev.monoquant.testkit.laws;

import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.GramMatrix;
import dev.monoquant.spi.InputStatistics;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What a calibration holds, to be compared. */
final class CalibrationContents {

  private CalibrationContents() {}

  /** {@return the statistics of each layer as text, to the bit} */
  static Map<String, String> of(Calibration calibration) {
    Map<String, String> all = new TreeMap<>();
    for (String layer : calibration.layers()) {
      calibration.find(layer).ifPresent(statistics -> all.put(layer, ofLayer(statistics)));
    }
    return all;
  }

  /** Everything of a layer but its name, to the bit. */
  static String ofLayer(InputStatistics statistics) {
    StringBuilder text = new StringBuilder();
    statistics.rows().ifPresent(rows -> text.append("rows ").append(rows).append(' '));
    statistics
        .range()
        .ifPresent(r -> text.append(r.min()).append(" to ").append(r.max()).append(' '));
    Optional<GramMatrix> gram = statistics.gram();
    // A damaged diagonal is refused where mean squares are taken from it, not by its reader.
    (gram.isPresent() ? Optional.<float[]>empty() : statistics.meanSquares())
        .ifPresent(squares -> append("squares", squares, text));
    if (gram.isPresent()) {
      float[] row = new float[gram.get().size()];
      for (int i = 0; i < row.length; i++) {
        gram.get().readRow(i, row);
        append("row", row, text);
      }
    }
    return text.toString();
  }

  private static void append(String what, float[] values, StringBuilder text) {
    text.append(what);
    for (float value : values) {
      text.append(' ').append(value);
    }
    text.append(' ');
  }
}

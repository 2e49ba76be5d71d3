package dev.monoquant.core.report;

import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.text.TextTable;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What was collected of the inputs of layers.
 *
 * @param target the file
 * @param samples the files, or lists of arrays, with samples
 * @param calls the calls of the model
 * @param passes the passes over the samples
 * @param observer how the ranges were found
 * @param layers the layers with statistics, in the order of the model
 * @param leftOut the layers without, with the reason
 * @param notes what the user should know
 */
public record CalibrationReport(
    Path target,
    int samples,
    long calls,
    int passes,
    String observer,
    List<LayerRange> layers,
    Map<String, String> leftOut,
    List<String> notes) {

  /**
   * The statistics of a layer.
   *
   * @param name its name
   * @param columns the columns of its weight matrix; 0 for a table
   * @param rows the input rows
   * @param least the least number of the range; NaN for a table
   * @param greatest the greatest number of the range; NaN for a table
   * @param products whether its Gram matrix was collected
   * @param leftOut inputs that were left out because a number was not finite
   */
  public record LayerRange(
      String name,
      long columns,
      long rows,
      double least,
      double greatest,
      boolean products,
      long leftOut) {}

  /** Copies the lists and the map. */
  public CalibrationReport {
    layers = List.copyOf(layers);
    leftOut = Collections.unmodifiableMap(new LinkedHashMap<>(leftOut));
    notes = List.copyOf(notes);
  }

  /**
   * {@return one JSON object with the same content, keys in a fixed order; numbers that there are
   * not are {@code null}}
   */
  public String toJson() {
    return Fields.document(
        "calibration",
        fields ->
            fields
                .text("target", target.toString())
                .integer("samples", samples)
                .integer("calls", calls)
                .integer("passes", passes)
                .text("observer", observer)
                .objects(
                    "layers",
                    layers,
                    (out, layer) ->
                        out.text("name", layer.name())
                            .integer("columns", layer.columns())
                            .integer("rows", layer.rows())
                            .number("least", layer.least())
                            .number("greatest", layer.greatest())
                            .flag("gram", layer.products())
                            .integer("leftOut", layer.leftOut()))
                .map("leftOut", leftOut)
                .texts("notes", notes));
  }

  /** {@return a text table with lines that end in {@code \n}} */
  public String toTable() {
    StringBuilder out = new StringBuilder();
    TextTable table = new TextTable("layer", ">columns", ">rows", ">least", ">greatest", "gram");
    for (LayerRange layer : layers) {
      table.row(
          Text.name(layer.name()),
          layer.columns() == 0 ? "" : Long.toString(layer.columns()),
          Long.toString(layer.rows()),
          Double.isNaN(layer.least()) ? "" : Text.format("%.4g", layer.least()),
          Double.isNaN(layer.greatest()) ? "" : Text.format("%.4g", layer.greatest()),
          layer.products() ? "yes" : "");
    }
    table.appendTo(out);
    layers.stream()
        .filter(l -> l.leftOut() > 0)
        .forEach(
            l ->
                out.append(Text.name(l.name()))
                    .append(": ")
                    .append(Text.count(l.leftOut(), "input"))
                    .append(" with NaN or infinities left out\n"));
    leftOut.forEach(
        (name, why) ->
            out.append(Text.name(name))
                .append(": not observed: ")
                .append(Text.line(why))
                .append('\n'));
    notes.forEach(note -> out.append(note).append('\n'));
    out.append(
        Text.format(
            "%s, %s in %s; observer %s; written to %s\n",
            Text.count(layers.size(), "layer"),
            Text.count(calls, "call"),
            passes == 1 ? "one pass" : passes + " passes",
            observer,
            target));
    return out.toString();
  }
}

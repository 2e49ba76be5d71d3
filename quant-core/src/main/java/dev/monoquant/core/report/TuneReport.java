package dev.monoquant.core.report;

import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.text.TextTable;
import java.util.List;
import java.util.OptionalDouble;

/**
 * How the layers of a model are best quantized.
 *
 * @param config the result, a recipe
 * @param families the layers with what was chosen
 * @param curve sizes with the cosines that are expected, from the smallest; measured where the
 *     model ran
 * @param chosen the point of the result
 * @param gap how far the sum of costs may be from the least one for these bytes; 0 on the curve
 * @param notes what the user should know
 */
public record TuneReport(
    QuantizationConfig config,
    List<Chosen> families,
    List<Size> curve,
    Size chosen,
    double gap,
    List<String> notes) {

  /**
   * Layers that share an option.
   *
   * @param layers their names
   * @param option the option, such as {@code int4 group:32 asymmetric}
   * @param cost what the option takes from a cosine of 1, measured with these layers alone
   */
  public record Chosen(List<String> layers, String option, double cost) {}

  /**
   * A model of a size.
   *
   * @param size bytes of tensors, as a part of the original
   * @param bits bits for each number of the weights that can be quantized
   * @param expected the cosine that is expected if costs add up
   * @param measured the cosine of the model itself
   */
  public record Size(double size, double bits, double expected, OptionalDouble measured) {}

  /** Copies the lists. */
  public TuneReport {
    families = List.copyOf(families);
    curve = List.copyOf(curve);
    notes = List.copyOf(notes);
  }

  /** {@return a text table with lines that end in {@code \n}} */
  public String toTable() {
    StringBuilder out = new StringBuilder();
    TextTable table = new TextTable("layer", "option", ">cost");
    for (Chosen family : families) {
      table.row(
          Text.names(family.layers(), 3), family.option(), Text.format("%.2e", family.cost()));
    }
    table.appendTo(out);
    out.append('\n');
    TextTable sizes = new TextTable("size", ">bits", ">expected cosine", ">measured");
    for (Size size : curve) {
      sizes.row(
          Text.format("%.4f", size.size()),
          Text.format("%.3f", size.bits()),
          Text.format("%.6f", size.expected()),
          size.measured().isPresent() ? Text.format("%.6f", size.measured().getAsDouble()) : "");
    }
    sizes.appendTo(out);
    notes.forEach(note -> out.append(note).append('\n'));
    out.append(
        Text.format(
            "chosen: %.4f of the size, %.3f bits, cosine %.6f measured (%.6f expected); the sum of"
                + " costs is at most %.2e from the least\n",
            chosen.size(),
            chosen.bits(),
            chosen.measured().orElse(Double.NaN),
            chosen.expected(),
            gap));
    return out.toString();
  }

  /** {@return one JSON object with the same content, keys in a fixed order} */
  public String toJson() {
    return Fields.document("tune", this::describe);
  }

  void describe(Fields fields) {
    fields
        .objects(
            "families",
            families,
            (out, family) ->
                out.texts("layers", family.layers())
                    .text("option", family.option())
                    .number("cost", family.cost()))
        .objects("curve", curve, TuneReport::size)
        .object("chosen", out -> size(out, chosen))
        .number("gap", gap)
        .texts("notes", notes);
  }

  private static void size(Fields out, Size size) {
    out.number("size", size.size())
        .number("bits", size.bits())
        .number("expected", size.expected())
        .number("measured", size.measured().orElse(Double.NaN));
  }
}

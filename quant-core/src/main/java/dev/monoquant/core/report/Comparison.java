package dev.monoquant.core.report;

import dev.monoquant.core.foreign.ForeignQuantization;
import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.text.TextTable;
import dev.monoquant.model.TensorInfo;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A comparison of two models, tensor by tensor, with quantized weights decoded.
 *
 * @param a the first model, as the user named it
 * @param b the second model, as the user named it
 * @param tensors tensors with the same name and shape in both, in the order of the first
 * @param onlyInA tensors that the second model lacks
 * @param onlyInB tensors that the first model lacks
 * @param mismatched tensors of the first model whose shape in the second differs
 * @param edits how one of the models says that it scaled a tensor before it was quantized, by its
 *     name: its numbers then differ, and what the model computes does not
 * @param foreignInA quantization in the first model that is not decoded: its codes are compared
 *     byte by byte
 * @param foreignInB the same for the second model
 */
public record Comparison(
    String a,
    String b,
    List<ComparedTensor> tensors,
    List<TensorInfo> onlyInA,
    List<TensorInfo> onlyInB,
    List<TensorInfo> mismatched,
    Map<String, String> edits,
    Optional<ForeignQuantization> foreignInA,
    Optional<ForeignQuantization> foreignInB) {

  private static final int MAX_NAMES = 20;

  /** Copies the lists. */
  public Comparison {
    tensors = List.copyOf(tensors);
    onlyInA = List.copyOf(onlyInA);
    onlyInB = List.copyOf(onlyInB);
    mismatched = List.copyOf(mismatched);
    edits = Collections.unmodifiableMap(new TreeMap<>(edits));
  }

  /** {@return the errors over all floating-point tensors in common} */
  public ErrorStatistics total() {
    return tensors.stream()
        .map(ComparedTensor::errors)
        .reduce(ErrorStatistics.EMPTY, ErrorStatistics::plus);
  }

  /** {@return whether both models have the same tensors with the same bytes} */
  public boolean identical() {
    return onlyInA.isEmpty()
        && onlyInB.isEmpty()
        && mismatched.isEmpty()
        && tensors.stream().allMatch(ComparedTensor::equal);
  }

  /** {@return a text table, without colours, with lines that end in {@code \n}} */
  public String toTable() {
    return toTable(Integer.MAX_VALUE);
  }

  /**
   * {@return a text table for a terminal}
   *
   * @param columns the width of a row; columns of tables that do not fit are left out, and names
   *     are shortened
   */
  public String toTable(int columns) {
    StringBuilder out = new StringBuilder();
    out.append(Text.format("A is %s\nB is %s\n", Text.name(a), Text.name(b)));
    foreign("A", foreignInA, out);
    foreign("B", foreignInB, out);
    out.append('\n');
    List<ComparedTensor> differing = tensors.stream().filter(t -> !t.equal()).toList();
    if (!differing.isEmpty()) {
      TextTable table =
          new TextTable("tensor", "in A", "in B", "?shape", ">SQNR dB", "?>max error", ">cosine");
      for (ComparedTensor t : differing) {
        boolean floats = t.errors().elements() > 0;
        table.row(
            Text.name(t.name()),
            t.typeA().wire(),
            t.typeB().wire(),
            Text.shape(t.shape()),
            Text.decibels(t.errors().sqnrDb()),
            floats ? Text.error(t.errors().maxError()) : "-",
            Text.cosine(t.errors().cosine()));
      }
      table.appendTo(out, columns);
      out.append('\n');
    }
    out.append(
        Text.format(
            "%s in common: %d equal, %d different\n",
            Text.count(tensors.size(), "tensor"),
            tensors.size() - differing.size(),
            differing.size()));
    if (!differing.isEmpty()) {
      ErrorStatistics total = total();
      out.append(
          Text.format(
              "error of all tensors in common: SQNR %s dB, cosine %s, max error %s\n",
              Text.decibels(total.sqnrDb()),
              Text.cosine(total.cosine()),
              Text.error(total.maxError())));
    }
    Text.edits(edits, out);
    list("only in A", onlyInA, out);
    list("only in B", onlyInB, out);
    list("of different shapes", mismatched, out);
    if (identical()) {
      out.append("the models are the same\n");
    }
    return out.toString();
  }

  /**
   * {@return one JSON object with the same content, keys in a fixed order; non-finite numbers are
   * {@code null}}
   *
   * <pre>
   * {
   *   "schema": 1,
   *   "kind": "comparison",
   *   "a": "model.safetensors",
   *   "b": "model-int8.safetensors",
   *   "identical": false,
   *   "errors": {"elements": 1000, "sqnr_db": 44.1, "max_error": 0.01, "cosine": 0.9999},
   *   "tensors": [{
   *     "name": "fc.weight", "type_a": "F32", "type_b": "F32", "shape": [10, 100], "equal": false,
   *     "errors": {...}
   *   }],
   *   "only_in_a": [{"name": "", "type": "", "shape": [], "bytes": 0, "file": ""}],
   *   "only_in_b": [...],
   *   "mismatched": [...],               // as they are in a
   *   "edits": {"norm.weight": ""},      // tensors that one of them scaled: how
   *   "foreign_quantization_in_a": null, // as in an inspection
   *   "foreign_quantization_in_b": null
   * }
   * </pre>
   */
  public String toJson() {
    return Fields.document(
        "comparison",
        out -> {
          out.text("a", a)
              .text("b", b)
              .flag("identical", identical())
              .object("errors", fields -> Described.errors(fields, total()))
              .objects("tensors", tensors, (fields, tensor) -> tensor.describe(fields))
              .objects("only_in_a", onlyInA, Described::tensor)
              .objects("only_in_b", onlyInB, Described::tensor)
              .objects("mismatched", mismatched, Described::tensor)
              .map("edits", edits);
          Described.foreign(out, "foreign_quantization_in_a", foreignInA);
          Described.foreign(out, "foreign_quantization_in_b", foreignInB);
        });
  }

  private static void foreign(
      String which, Optional<ForeignQuantization> foreign, StringBuilder out) {
    foreign.ifPresent(
        f ->
            out.append("note: ")
                .append(which)
                .append(" is quantized ")
                .append(f)
                .append("; its codes are compared as they are stored\n"));
  }

  private static void list(String title, List<TensorInfo> tensors, StringBuilder out) {
    if (!tensors.isEmpty()) {
      out.append(
          Text.format(
              "%s: %s: %s\n",
              title,
              Text.count(tensors.size(), "tensor"),
              Text.names(tensors.stream().map(TensorInfo::name).toList(), MAX_NAMES)));
    }
  }
}

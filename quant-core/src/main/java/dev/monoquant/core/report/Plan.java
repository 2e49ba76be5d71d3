package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

import dev.monoquant.PlanException;
import dev.monoquant.Problem;
import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.text.TextTable;
import dev.monoquant.model.Layer;
import dev.monoquant.spi.ActivationQuantization;
import dev.monoquant.spi.OutputContents;
import dev.monoquant.spi.Provenance;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/**
 * The plan of a run, decided from names, types and shapes alone. A value without open files.
 *
 * @param input the input, as the user named it
 * @param inputFormat the id of the detector that opened it
 * @param outputFormat the id of the output format; empty if there is no output
 * @param layers all layers, in model order
 * @param weights the weights to quantize, in model order
 * @param kept the tensors to leave unquantized, in model order
 * @param kvCache the quantization of the keys and values that attention caches, as the output
 *     declares it; empty if it declares none
 * @param problems all problems, warnings and errors
 * @param output the size of the output; empty if there is none or there are errors
 */
public record Plan(
    String input,
    String inputFormat,
    String outputFormat,
    List<Layer> layers,
    List<PlannedWeight> weights,
    List<UnquantizedTensor> kept,
    Optional<ActivationQuantization> kvCache,
    List<Problem> problems,
    Optional<OutputSize> output) {

  /** The maximum number of weights in the text form. */
  static final int MAX_ROWS = 100;

  private static final OutputSize NO_OUTPUT = new OutputSize(0, 0, List.of());
  private static final int MAX_NAMES = 3;
  private static final int MAX_REASONS = 20;
  private static final int MAX_KEPT_NAMES = 4;

  /** Copies the lists. */
  public Plan {
    requireNonNull(input, "input");
    requireNonNull(inputFormat, "inputFormat");
    requireNonNull(outputFormat, "outputFormat");
    requireNonNull(kvCache, "kvCache");
    requireNonNull(output, "output");
    layers = List.copyOf(layers);
    weights = List.copyOf(weights);
    kept = List.copyOf(kept);
    problems = List.copyOf(problems);
  }

  /** {@return whether any problem prevents the run} */
  public boolean hasErrors() {
    return problems.stream().anyMatch(p -> p.severity() == Problem.Severity.ERROR);
  }

  /**
   * Checks that no problem prevents the run.
   *
   * @throws PlanException with all problems if any does
   */
  public void requireNoErrors() {
    if (hasErrors()) {
      throw new PlanException(problems);
    }
  }

  /** {@return bytes of all tensors of the input} */
  public long bytesBefore() {
    return weights.stream().mapToLong(PlannedWeight::bytesBefore).sum() + keptBytes();
  }

  /** {@return bytes of all tensors of the output, without headers} */
  public long bytesAfter() {
    return weights.stream().mapToLong(PlannedWeight::bytesAfter).sum() + keptBytes();
  }

  /** {@return bytes of all tensors before divided by bytes after; 1 for a model without data} */
  public double compressionRatio() {
    return bytesAfter() == 0 ? 1 : (double) bytesBefore() / bytesAfter();
  }

  /**
   * {@return bytes of the input: of all tensors, and of the other files that the output also has}
   */
  public long wholeBytesBefore() {
    return bytesBefore() + output.map(OutputSize::besideBefore).orElse(0L);
  }

  /** {@return bytes of all files of the output; without one, of all tensors} */
  public long wholeBytesAfter() {
    return output.map(OutputSize::bytes).orElseGet(this::bytesAfter);
  }

  private long keptBytes() {
    return kept.stream().mapToLong(k -> k.tensor().bytes()).sum();
  }

  /**
   * {@return the contents of the planned output}
   *
   * @param provenance how the output is made
   */
  public OutputContents contents(Provenance provenance) {
    return new OutputContents(
        layers,
        weights.stream().map(PlannedWeight::weight).toList(),
        kept.stream().map(UnquantizedTensor::tensor).toList(),
        Optional.of(provenance),
        kvCache);
  }

  /** {@return a text table, without colours, with lines that end in {@code \n}} */
  public String toTable() {
    return toTable(Integer.MAX_VALUE);
  }

  /**
   * {@return a text table for a terminal}
   *
   * @param columns the width of a row; columns of the table that do not fit are left out, and names
   *     are shortened
   */
  public String toTable(int columns) {
    StringBuilder out = new StringBuilder();
    appendHead(out);
    appendWeights(columns, out);
    appendTotals(out);
    Text.problems(problems, out);
    return out.toString();
  }

  /**
   * {@return one JSON object with the same content, keys in a fixed order; non-finite numbers are
   * {@code null}}
   *
   * <pre>
   * {
   *   "schema": 1,
   *   "kind": "plan",
   *   "input": "model.safetensors",      // as the user named it
   *   "input_format": "safetensors",
   *   "output_format": "compressed-tensors",  // empty if there is no output
   *   "output_bytes": 1234,              // of all tensor files, with headers; null if unknown
   *   "whole_bytes_before": 4100,        // of all tensors, and the files beside them that are kept
   *   "whole_bytes_after": 1440,         // of all files of the output; null if unknown
   *   "bytes_before": 4000,              // of all tensors
   *   "bytes_after": 1200,
   *   "compression_ratio": 3.33,         // before / after, 1 for a model without data
   *   "kv_cache": "float8 tensor static",  // keys and values, while the model runs; only if quantized
   *   "weights": [{
   *     "name": "fc.weight", "type": "F32", "shape": [10, 100], "bytes": 4000, "file": "",
   *     "layer": "fc", "layer_kind": "Linear",
   *     "scheme": "int8@1", "bits": 8, "symmetric": true, "granularity": "channel",
   *     "profile": "compressed-tensors",
   *     "activations": "int8 token",     // of the layer, while the model runs; only if quantized
   *     "options": {},
   *     "storage": {},                   // options of the output format
   *     "parts": [{"name": "codes", "type": "I8", "shape": [10, 100]}],
   *     "packed_bytes": 1040,
   *     "evidence": "inferred",          // or declared, given: how the kind is known
   *     "quantizer": "linear",
   *     "remark": ""                     // of the output format: how it is stored or executed
   *   }],
   *   "kept": [{
   *     "name": "fc.bias", "type": "F32", "shape": [10], "bytes": 40, "file": "",
   *     "layer": "fc", "layer_kind": "Linear",
   *     "why": "not-a-weight",           // or excluded, too-small, unsupported, non-finite
   *     "reason": "..."
   *   }],
   *   "kept_counts": {"not-a-weight": 1},
   *   "side_files": [{                   // beside the tensor files
   *     "name": "tokenizer.json", "bytes": 100,
   *     "fate": "carried",               // or made, left-out
   *     "reason": ""                     // why it is left out
   *   }],
   *   "problems": [{"severity": "warning", "subject": "", "message": "", "remedy": ""}]  // or note, error
   * }
   * </pre>
   */
  public String toJson() {
    return Fields.document("plan", this::describe);
  }

  void describe(Fields out) {
    describeHead(out);
    out.objects("weights", weights, (fields, weight) -> weight.describe(fields));
    describeKept(out);
    Described.problems(out, "problems", problems);
  }

  private OptionalLong sizeOf(ToLongFunction<OutputSize> which) {
    return output.stream().mapToLong(which).findFirst();
  }

  void describeHead(Fields out) {
    out.text("input", input)
        .text("input_format", inputFormat)
        .text("output_format", outputFormat)
        .integer("output_bytes", sizeOf(OutputSize::tensorBytes))
        .integer("whole_bytes_before", wholeBytesBefore())
        .integer("whole_bytes_after", sizeOf(OutputSize::bytes))
        .integer("bytes_before", bytesBefore())
        .integer("bytes_after", bytesAfter())
        .number("compression_ratio", compressionRatio());
    kvCache.ifPresent(cache -> out.text("kv_cache", cache.toString()));
  }

  void describeKept(Fields out) {
    Map<String, Integer> counts = new TreeMap<>();
    kept.forEach(k -> counts.merge(k.why().wire(), 1, Integer::sum));
    out.objects("kept", kept, (fields, tensor) -> tensor.describe(fields))
        .object("kept_counts", fields -> counts.forEach(fields::integer));
    output.orElse(NO_OUTPUT).describe(out);
  }

  void appendHead(StringBuilder out) {
    out.append(Text.name(input)).append(": ").append(inputFormat);
    if (!outputFormat.isEmpty()) {
      out.append(" -> ").append(outputFormat);
    }
    out.append("\n\n");
  }

  private void appendWeights(int columns, StringBuilder out) {
    if (weights.isEmpty()) {
      return;
    }
    TextTable table =
        new TextTable(
            "weight", "?kind", "?known by", "scheme", "?shape", "?>before", ">after", ">ratio");
    List<PlannedWeight> shown =
        mostTelling(
            weights,
            Comparator.comparingLong(PlannedWeight::bytesBefore).reversed(),
            w -> w.weight().name());
    for (PlannedWeight w : shown) {
      table.row(
          Text.name(w.weight().name()),
          Text.name(w.weight().matrix().kind().name()),
          w.evidence().wire(),
          Text.scheme(w.weight()),
          Text.shape(w.weight().matrix().tensor().shape()),
          Text.bytes(w.bytesBefore()),
          Text.bytes(w.bytesAfter()),
          Text.ratio(w.compressionRatio()));
    }
    table.appendTo(out, columns);
    appendOmitted(weights.size(), shown.size(), "that are largest", out);
    out.append('\n');
    appendRemarks(out);
  }

  /** Appends what is quantized, in weights and in what flows between layers. */
  void appendQuantized(StringBuilder out) {
    appendSizes(out);
    appendActivations(out);
  }

  /** Appends the number of tensors left unquantized for each class of reason. */
  void appendKeptCounts(StringBuilder out) {
    if (kept.isEmpty()) {
      return;
    }
    Map<UnquantizedTensor.Why, Integer> counts = new EnumMap<>(UnquantizedTensor.Why.class);
    kept.forEach(k -> counts.merge(k.why(), 1, Integer::sum));
    out.append(
        Text.format(
            "left in float: %s, %s: %s\n",
            Text.count(kept.size(), "tensor"),
            Text.bytes(keptBytes()),
            counts.entrySet().stream()
                .map(e -> e.getValue() + " " + e.getKey().wire())
                .collect(Collectors.joining(", "))));
  }

  void appendTotals(StringBuilder out) {
    appendSizes(out);
    appendActivations(out);
    appendKept(kept, out);
    output.ifPresent(size -> size.appendFiles(out));
    appendModel(out);
  }

  private void appendSizes(StringBuilder out) {
    long before = weights.stream().mapToLong(PlannedWeight::bytesBefore).sum();
    long after = weights.stream().mapToLong(PlannedWeight::bytesAfter).sum();
    out.append(
        Text.format(
            "quantized: %s of %s, %s\n",
            Text.count(weights.size(), "weight"),
            Text.count((long) weights.size() + kept.size(), "tensor"),
            Text.change(before, after)));
  }

  /** Appends the activation quantization that the output declares. */
  private void appendActivations(StringBuilder out) {
    Map<String, Integer> counts = new TreeMap<>();
    for (PlannedWeight weight : weights) {
      weight.weight().activations().ifPresent(a -> counts.merge(a.toString(), 1, Integer::sum));
    }
    counts.forEach(
        (activations, n) ->
            out.append(
                Text.format(
                    "activations: %s, for the layers of %s\n",
                    activations, Text.count(n, "weight"))));
    kvCache.ifPresent(cache -> out.append("keys and values: ").append(cache).append('\n'));
  }

  private void appendModel(StringBuilder out) {
    out.append("model: ").append(Text.change(bytesBefore(), bytesAfter()));
    output.ifPresent(
        size -> out.append(", ").append(size.tensorBytes()).append(" bytes with headers"));
    out.append('\n');
    output.ifPresent(size -> size.appendWhole(bytesBefore(), out));
  }

  private static void appendKept(List<UnquantizedTensor> kept, StringBuilder out) {
    if (kept.isEmpty()) {
      return;
    }
    long bytes = kept.stream().mapToLong(k -> k.tensor().bytes()).sum();
    out.append(
        "kept as they are: " + Text.count(kept.size(), "tensor") + ", " + Text.bytes(bytes) + "\n");
    Map<String, List<String>> byReason = new LinkedHashMap<>();
    for (UnquantizedTensor k : kept) {
      byReason
          .computeIfAbsent(k.why().wire() + ": " + k.reason(), r -> new ArrayList<>())
          .add(k.tensor().name());
    }
    byReason.entrySet().stream()
        .limit(MAX_REASONS)
        .forEach(
            e ->
                out.append(
                    Text.format(
                        "  %d %s: %s\n",
                        e.getValue().size(),
                        Text.line(e.getKey()),
                        Text.names(e.getValue(), MAX_KEPT_NAMES))));
    long unsaid = byReason.values().stream().skip(MAX_REASONS).mapToLong(List::size).sum();
    if (unsaid > 0) {
      out.append(
          Text.format(
              "  %d more for %s; the JSON form has all\n",
              unsaid, Text.count(byReason.size() - MAX_REASONS, "other reason")));
    }
  }

  /** Appends the remarks of the output format, each once, with the weights concerned. */
  void appendRemarks(StringBuilder out) {
    Map<String, List<String>> byRemark = new LinkedHashMap<>();
    for (PlannedWeight w : weights) {
      if (!w.remark().isEmpty()) {
        byRemark.computeIfAbsent(w.remark(), r -> new ArrayList<>()).add(w.weight().name());
      }
    }
    byRemark.forEach(
        (remark, names) ->
            out.append(
                Text.format(
                    "%s: %s: %s\n",
                    Text.count(names.size(), "weight"),
                    Text.line(remark),
                    Text.names(names, MAX_NAMES))));
    if (!byRemark.isEmpty()) {
      out.append('\n');
    }
  }

  static <T> List<T> mostTelling(List<T> weights, Comparator<T> first, Function<T, String> name) {
    if (weights.size() <= MAX_ROWS) {
      return weights;
    }
    Set<String> names =
        weights.stream().sorted(first).limit(MAX_ROWS).map(name).collect(Collectors.toSet());
    return weights.stream().filter(w -> names.contains(name.apply(w))).toList();
  }

  static void appendOmitted(int all, int shown, String which, StringBuilder out) {
    if (shown < all) {
      out.append(
          Text.format(
              "%d of %d weights are shown, those %s; the JSON form has all\n", shown, all, which));
    }
  }
}

package dev.monoquant.core;

import dev.monoquant.QuantException;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.EncodedWeight;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What is in a model as plain text: every tensor, then the quantized weights, then metadata. */
final class InspectionTable {

  private static final int MAX_METADATA = 40;

  private InspectionTable() {}

  static String of(Inspection inspection) {
    StringBuilder out = new StringBuilder();
    List<TensorInfo> tensors = inspection.tensors();
    out.append(
        Text.format(
            "%s: %s, %s in %s, %s\n\n",
            Text.name(inspection.input()),
            inspection.format(),
            Text.count(tensors.size(), "tensor"),
            Text.count(inspection.layers().size(), "layer"),
            Text.bytes(inspection.storedBytes())));
    inspection.foreign().ifPresent(f -> out.append("quantized ").append(f).append('\n'));
    inspection.notes().forEach(note -> out.append("note: ").append(note).append('\n'));
    if (!inspection.notes().isEmpty() || inspection.foreign().isPresent()) {
      out.append('\n');
    }
    layers(inspection, out);
    quantized(inspection.quantized(), out);
    metadata(inspection.metadata(), out);
    return out.toString();
  }

  private static void layers(Inspection inspection, StringBuilder out) {
    Map<String, EncodedWeight> quantized =
        inspection.quantized().stream()
            .collect(Collectors.toMap(EncodedWeight::name, Function.identity()));
    boolean shards = inspection.tensors().stream().anyMatch(t -> !t.shard().isEmpty());
    TextTable table =
        new TextTable(
            "layer",
            "kind",
            "known by",
            "tensor",
            "type",
            "shape",
            ">stored",
            shards ? "file" : "",
            inspection.hashes().isEmpty() ? "" : "SHA-256");
    for (Layer layer : inspection.layers()) {
      boolean first = true;
      for (Map.Entry<String, TensorInfo> tensor : layer.tensors().entrySet()) {
        TensorInfo info = tensor.getValue();
        EncodedWeight weight = quantized.get(info.name());
        table.row(
            first ? Text.name(layer.name()) : "",
            first ? Text.name(layer.kind().name()) : "",
            first ? layer.evidence().wire() : "",
            Text.name(tensor.getKey()),
            weight == null ? info.type().wire() : weight.scheme() + " of " + info.type().wire(),
            Text.shape(info.shape()),
            Text.bytes(weight == null ? info.bytes() : packed(weight)),
            info.shard().isEmpty() ? "" : Text.name(info.shard()),
            inspection.hashes().getOrDefault(info.name(), ""));
        first = false;
      }
    }
    table.appendTo(out);
  }

  private static void quantized(List<EncodedWeight> weights, StringBuilder out) {
    if (weights.isEmpty()) {
      return;
    }
    out.append('\n');
    TextTable table = new TextTable("quantized weight", "scheme", ">bits", "parts");
    for (EncodedWeight w : weights) {
      String parts =
          w.encoding().parts().stream()
              .map(
                  p ->
                      Text.format(
                          "%s %s %s",
                          p.name(),
                          p.type().wire(),
                          Text.shape(p.shape(w.rows().rows(), w.rows().cols()))))
              .collect(Collectors.joining(", "));
      table.row(
          Text.name(w.name()),
          Text.scheme(w),
          w.options().find(CommonOptions.BITS).map(String::valueOf).orElse("-"),
          parts);
    }
    table.appendTo(out);
  }

  private static void metadata(Map<String, String> metadata, StringBuilder out) {
    if (metadata.isEmpty()) {
      return;
    }
    out.append("\nmetadata\n");
    metadata.entrySet().stream()
        .limit(MAX_METADATA)
        .forEach(
            e ->
                out.append(
                    Text.format(
                        "  %s: %s\n", Text.name(e.getKey()), QuantException.quote(e.getValue()))));
    if (metadata.size() > MAX_METADATA) {
      out.append("  and ")
          .append(metadata.size() - MAX_METADATA)
          .append(" more; the JSON form has all\n");
    }
  }

  private static long packed(EncodedWeight weight) {
    return weight.encoding().packedBytes(weight.rows().rows(), weight.rows().cols());
  }
}

package dev.monoquant.core.report;

import static java.util.Objects.requireNonNull;

import dev.monoquant.QuantException;
import dev.monoquant.core.foreign.ForeignQuantization;
import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.text.TextTable;
import dev.monoquant.model.Layer;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.EncodedWeight;
import java.io.StringWriter;
import java.io.Writer;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The contents of a model, read from its headers alone.
 *
 * @param input the input, as the user named it
 * @param format the id of the detector that opened it
 * @param layers all layers with their tensors, in model order; a quantized weight appears as its
 *     float tensor
 * @param quantized the weights that are stored quantized
 * @param stored the bytes of each of them in the files, by name
 * @param metadata the metadata of the model
 * @param notes choices and omissions of the reader, such as the entry of a nested checkpoint
 * @param hashes the SHA-256 of each plain tensor's contiguous little-endian bytes by its name, in
 *     lower-case hexadecimal digits; empty if they were not requested
 * @param foreign quantization that is not decoded: its codes appear as integer tensors
 */
public record Inspection(
    String input,
    String format,
    List<Layer> layers,
    List<EncodedWeight> quantized,
    Map<String, Long> stored,
    Map<String, String> metadata,
    List<String> notes,
    Map<String, String> hashes,
    Optional<ForeignQuantization> foreign) {

  private static final int MAX_METADATA = 40;

  /** Copies the collections. */
  public Inspection {
    layers = List.copyOf(layers);
    quantized = List.copyOf(quantized);
    stored = Collections.unmodifiableMap(new LinkedHashMap<>(stored));
    for (EncodedWeight weight : quantized) {
      if (!stored.containsKey(weight.name())) {
        throw new IllegalArgumentException("no stored bytes of " + weight.name());
      }
    }
    notes = List.copyOf(notes);
    hashes = Collections.unmodifiableMap(new TreeMap<>(hashes));
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
  }

  /** {@return all tensors, quantized weights as float tensors} */
  public List<TensorInfo> tensors() {
    return layers.stream().flatMap(l -> l.tensors().values().stream()).toList();
  }

  /** {@return bytes of all stored tensors} */
  public long storedBytes() {
    long all = tensors().stream().mapToLong(TensorInfo::bytes).sum();
    for (EncodedWeight w : quantized) {
      all += stored(w) - w.matrix().tensor().bytes();
    }
    return all;
  }

  private long stored(EncodedWeight weight) {
    return requireNonNull(stored.get(weight.name()));
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
    List<TensorInfo> tensors = tensors();
    out.append(
        Text.format(
            "%s: %s, %s in %s, %s\n",
            Text.name(input),
            format,
            Text.count(tensors.size(), "tensor"),
            Text.count(layers.size(), "layer"),
            Text.bytes(storedBytes())));
    out.append(contents()).append("\n\n");
    foreign.ifPresent(f -> out.append("quantized ").append(f).append('\n'));
    notes.forEach(note -> out.append("note: ").append(note).append('\n'));
    if (!notes.isEmpty() || foreign.isPresent()) {
      out.append('\n');
    }
    layers(columns, out);
    quantized(columns, out);
    metadata(metadata, out);
    return out.toString();
  }

  /**
   * {@return one JSON object with the same content, keys in a fixed order; non-finite numbers are
   * {@code null}}
   *
   * <pre>
   * {
   *   "schema": 1,
   *   "kind": "inspection",
   *   "input": "model.safetensors",
   *   "format": "safetensors",
   *   "tensors": 2,
   *   "stored_bytes": 4040,              // in the files
   *   "layers": [{
   *     "name": "fc", "kind": "Linear", "evidence": "inferred",
   *     "tensors": [{"param": "weight", "name": "fc.weight", "type": "F32", "shape": [10, 100],
   *                  "bytes": 4000, "file": "",
   *                  "sha256": "..."}]     // if requested; not for quantized weights
   *   }],
   *   "quantized": [{...}],              // as weights in a report, up to packed_bytes
   *   "foreign_quantization": {          // null if there is none
   *     "method": "gptq (4 bits)", "count": 7, "examples": ["fc.qweight"],
   *     "evidence": ["quantization_config of config.json"]
   *   },
   *   "metadata": {"format": "pt"},
   *   "notes": []                        // choices and omissions of the reader
   * }
   * </pre>
   */
  public String toJson() {
    StringWriter out = new StringWriter();
    writeJson(out);
    return out.toString();
  }

  /**
   * Writes what {@link #toJson} returns, a piece at a time: that of 100,000 quantized weights has
   * 190 MB.
   *
   * @param to receives the text; flushed, but not closed
   * @throws java.io.UncheckedIOException if it throws
   */
  public void writeJson(Writer to) {
    Fields.document(
        to,
        "inspection",
        out -> {
          out.text("input", input)
              .text("format", format)
              .integer("tensors", tensors().size())
              .integer("stored_bytes", storedBytes())
              .objects("layers", layers, this::describe)
              .objects(
                  "quantized", quantized, (fields, w) -> Described.weight(fields, w, stored(w)));
          Described.foreign(out, "foreign_quantization", foreign);
          out.map("metadata", metadata).texts("notes", notes);
        });
  }

  /** Such as {@code 151,434 numbers; tensors: 12 of F32, 1 of I64}. */
  private String contents() {
    Map<String, Integer> types = new LinkedHashMap<>();
    tensors().forEach(t -> types.merge(t.type().wire(), 1, Integer::sum));
    long numbers = tensors().stream().mapToLong(t -> t.shape().elements()).sum();
    return Text.format("%,d numbers", numbers)
        + types.entrySet().stream()
            .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
            .map(type -> type.getValue() + " of " + type.getKey())
            .collect(Collectors.joining(", ", types.isEmpty() ? "" : "; tensors: ", ""));
  }

  private void layers(int columns, StringBuilder out) {
    Map<String, EncodedWeight> byName =
        quantized.stream().collect(Collectors.toMap(EncodedWeight::name, Function.identity()));
    boolean shards = tensors().stream().anyMatch(t -> !t.shard().isEmpty());
    TextTable table =
        new TextTable(
            "tensor",
            "?kind",
            "?known by",
            "type",
            "shape",
            ">stored",
            shards ? "?file" : "",
            hashes.isEmpty() ? "" : "SHA-256");
    for (Layer layer : layers) {
      for (TensorInfo info : layer.tensors().values()) {
        EncodedWeight weight = byName.get(info.name());
        table.row(
            Text.name(info.name()),
            Text.name(layer.kind().name()),
            layer.evidence().wire(),
            weight == null ? info.type().wire() : weight.scheme() + " of " + info.type().wire(),
            Text.shape(info.shape()),
            Text.bytes(weight == null ? info.bytes() : stored(weight)),
            info.shard().isEmpty() ? "" : Text.name(info.shard()),
            hashes.getOrDefault(info.name(), ""));
      }
    }
    table.appendTo(out, columns);
  }

  private void quantized(int columns, StringBuilder out) {
    if (quantized.isEmpty()) {
      return;
    }
    out.append('\n');
    TextTable table = new TextTable("quantized weight", "scheme", "?>bits", "?parts");
    EncodedWeight last = null;
    String scheme = "";
    String bits = "";
    for (EncodedWeight w : quantized) {
      long rows = w.matrix().rowCount();
      long cols = w.matrix().columnCount();
      String parts =
          w.encoding().parts().stream()
              .map(p -> p.name() + " " + p.type().wire() + " " + Text.shape(p.shape(rows, cols)))
              .collect(Collectors.joining(", "));
      // Most weights of a model share their options.
      if (last == null
          || !last.options().equals(w.options())
          || !last.storage().equals(w.storage())
          || !last.scheme().equals(w.scheme())) {
        scheme = Text.scheme(w);
        bits = w.options().find(CommonOptions.BITS).map(String::valueOf).orElse("");
        last = w;
      }
      table.row(Text.name(w.name()), scheme, bits.isEmpty() ? bits(w) : bits, parts);
    }
    table.appendTo(out, columns);
  }

  /** The bits of a number with its share of scales, of a weight whose file does not name bits. */
  private String bits(EncodedWeight weight) {
    long rows = weight.matrix().rowCount();
    long cols = weight.matrix().columnCount();
    long shared =
        weight.encoding().parts().stream()
            .filter(part -> !part.tiled())
            .mapToLong(part -> part.packedBytes(rows, cols))
            .sum();
    long packed = weight.encoding().packedBytes(rows, cols);
    long bytes = stored(weight) == packed ? packed - shared : stored(weight);
    return rows * cols == 0 ? "-" : Text.format("%.2f", 8.0 * bytes / (rows * cols));
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

  private void describe(Fields out, Layer layer) {
    out.text("name", layer.name())
        .text("kind", layer.kind().name())
        .text("evidence", layer.evidence().wire())
        .objects(
            "tensors",
            List.copyOf(layer.tensors().entrySet()),
            (fields, tensor) -> {
              fields.text("param", tensor.getKey());
              Described.tensor(fields, tensor.getValue());
              String hash = hashes.get(tensor.getValue().name());
              if (hash != null) {
                fields.text("sha256", hash);
              }
            });
  }
}

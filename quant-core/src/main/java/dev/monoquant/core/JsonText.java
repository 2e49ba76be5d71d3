package dev.monoquant.core;

import com.google.gson.stream.JsonWriter;
import dev.monoquant.Problem;
import dev.monoquant.core.foreign.ForeignQuantization;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The pieces that the JSON forms of reports, plans, inspections and comparisons share. */
final class JsonText {

  /** Writes the fields of an object. */
  interface Fields {
    void write(JsonWriter json) throws IOException;
  }

  private JsonText() {}

  /** An object with {@code schema} and {@code kind} first, ended by {@code \n}. */
  static String document(String kind, Fields fields) {
    StringWriter text = new StringWriter();
    try (JsonWriter json = new JsonWriter(text)) {
      json.setIndent("  ");
      json.setHtmlSafe(false);
      json.beginObject();
      json.name("schema").value(Report.SCHEMA_VERSION);
      json.name("kind").value(kind);
      fields.write(json);
      json.endObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return text.append('\n').toString();
  }

  /** A number; null if it is not finite. */
  static void number(JsonWriter json, String name, double value) throws IOException {
    json.name(name);
    if (Double.isFinite(value)) {
      json.value(value);
    } else {
      json.nullValue();
    }
  }

  static void errors(JsonWriter json, ErrorStatistics errors) throws IOException {
    json.beginObject();
    json.name("elements").value(errors.elements());
    number(json, "sqnr_db", errors.sqnrDb());
    number(json, "max_error", errors.maxError());
    number(json, "cosine", errors.cosine());
    json.endObject();
  }

  static void shape(JsonWriter json, TensorShape shape) throws IOException {
    json.name("shape").beginArray();
    for (long dim : shape.dims()) {
      json.value(dim);
    }
    json.endArray();
  }

  static void tensor(JsonWriter json, TensorInfo tensor) throws IOException {
    json.name("name").value(tensor.name());
    json.name("type").value(tensor.type().wire());
    shape(json, tensor.shape());
    json.name("bytes").value(tensor.bytes());
    json.name("file").value(tensor.shard());
  }

  static void tensors(JsonWriter json, String name, List<TensorInfo> tensors) throws IOException {
    json.name(name).beginArray();
    for (TensorInfo tensor : tensors) {
      json.beginObject();
      tensor(json, tensor);
      json.endObject();
    }
    json.endArray();
  }

  /** The fields of a weight and its encoding. */
  static void weight(JsonWriter json, EncodedWeight weight) throws IOException {
    tensor(json, weight.rows().tensor());
    json.name("layer").value(weight.rows().layer());
    json.name("layer_kind").value(weight.rows().kind().name());
    json.name("scheme").value(weight.scheme().toString());
    OptionValues options = weight.options();
    Optional<Integer> bits = options.find(CommonOptions.BITS);
    if (bits.isPresent()) {
      json.name("bits").value(bits.get());
    }
    Optional<Boolean> symmetric = options.find(CommonOptions.SYMMETRIC);
    if (symmetric.isPresent()) {
      json.name("symmetric").value(symmetric.get());
    }
    Optional<Granularity> granularity = options.find(CommonOptions.GRANULARITY);
    if (granularity.isPresent()) {
      json.name("granularity").value(granularity.get().wire());
    }
    Optional<String> profile = options.find(CommonOptions.PROFILE);
    if (profile.isPresent()) {
      json.name("profile").value(profile.get());
    }
    map(json, "options", options.own());
    map(json, "storage", weight.storage().texts());
    json.name("parts").beginArray();
    for (Part part : weight.encoding().parts()) {
      json.beginObject();
      json.name("name").value(part.name());
      json.name("type").value(part.type().wire());
      shape(json, part.shape(weight.rows().rows(), weight.rows().cols()));
      json.endObject();
    }
    json.endArray();
    json.name("packed_bytes")
        .value(weight.encoding().packedBytes(weight.rows().rows(), weight.rows().cols()));
  }

  static void foreign(JsonWriter json, String name, Optional<ForeignQuantization> foreign)
      throws IOException {
    json.name(name);
    if (foreign.isEmpty()) {
      json.nullValue();
      return;
    }
    json.beginObject();
    json.name("method").value(foreign.get().method());
    json.name("count").value(foreign.get().count());
    texts(json, "examples", foreign.get().examples());
    texts(json, "evidence", foreign.get().evidence());
    json.endObject();
  }

  private static void texts(JsonWriter json, String name, List<String> texts) throws IOException {
    json.name(name).beginArray();
    for (String text : texts) {
      json.value(text);
    }
    json.endArray();
  }

  static void map(JsonWriter json, String name, Map<String, String> map) throws IOException {
    json.name(name).beginObject();
    for (Map.Entry<String, String> entry : map.entrySet()) {
      json.name(entry.getKey()).value(entry.getValue());
    }
    json.endObject();
  }

  static void problems(JsonWriter json, String name, List<Problem> problems) throws IOException {
    json.name(name).beginArray();
    for (Problem problem : problems) {
      json.beginObject();
      json.name("severity")
          .value(
              switch (problem.severity()) {
                case NOTE -> "note";
                case WARNING -> "warning";
                case ERROR -> "error";
              });
      json.name("subject").value(problem.subject());
      json.name("message").value(problem.message());
      json.name("remedy").value(problem.remedy());
      json.endObject();
    }
    json.endArray();
  }
}

package dev.monoquant.core.report;

import dev.monoquant.Problem;
import dev.monoquant.core.foreign.ForeignQuantization;
import dev.monoquant.core.text.Fields;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.spi.CommonOptions;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.tile.Granularity;
import java.util.List;
import java.util.Optional;

/** The objects that the JSON forms of reports, plans, inspections and comparisons share. */
final class Described {

  private Described() {}

  static void errors(Fields out, ErrorStatistics errors) {
    out.integer("elements", errors.elements())
        .number("sqnr_db", errors.sqnrDb())
        .number("max_error", errors.maxError())
        .number("cosine", errors.cosine());
  }

  static void tensor(Fields out, TensorInfo tensor) {
    out.text("name", tensor.name()).text("type", tensor.type().wire());
    shape(out, tensor.shape());
    out.integer("bytes", tensor.bytes()).text("file", tensor.shard());
  }

  static void shape(Fields out, TensorShape shape) {
    out.integers("shape", shape.dims());
  }

  /** A weight and its encoding, with the bytes that it takes in a file. */
  static void weight(Fields out, EncodedWeight weight, long bytes) {
    tensor(out, weight.matrix().tensor());
    out.text("layer", weight.matrix().layer())
        .text("layer_kind", weight.matrix().kind().name())
        .text("scheme", weight.scheme().toString());
    OptionValues options = weight.options();
    options.find(CommonOptions.BITS).ifPresent(bits -> out.integer("bits", bits));
    options.find(CommonOptions.SYMMETRIC).ifPresent(is -> out.flag("symmetric", is));
    options
        .find(CommonOptions.GRANULARITY)
        .map(Granularity::wire)
        .ifPresent(wire -> out.text("granularity", wire));
    options.find(CommonOptions.PROFILE).ifPresent(profile -> out.text("profile", profile));
    weight.activations().ifPresent(inputs -> out.text("activations", inputs.toString()));
    long rows = weight.matrix().rowCount();
    long columns = weight.matrix().columnCount();
    out.map("options", options.own())
        .map("storage", weight.storage().texts())
        .objects(
            "parts",
            weight.encoding().parts(),
            (fields, part) -> {
              fields.text("name", part.name()).text("type", part.type().wire());
              shape(fields, part.shape(rows, columns));
            })
        .integer("packed_bytes", bytes);
  }

  static void foreign(Fields out, String name, Optional<ForeignQuantization> foreign) {
    if (foreign.isEmpty()) {
      out.nothing(name);
      return;
    }
    ForeignQuantization found = foreign.get();
    out.object(
        name,
        fields ->
            fields
                .text("method", found.method())
                .integer("count", found.count())
                .texts("examples", found.examples())
                .texts("evidence", found.evidence()));
  }

  static void problems(Fields out, String name, List<Problem> problems) {
    out.objects(
        name,
        problems,
        (fields, problem) ->
            fields
                .text(
                    "severity",
                    switch (problem.severity()) {
                      case NOTE -> "note";
                      case WARNING -> "warning";
                      case ERROR -> "error";
                    })
                .text("subject", problem.subject())
                .text("message", problem.message())
                .text("remedy", problem.remedy()));
  }
}

package dev.monoquant.core.report;

import static dev.monoquant.core.report.RenderingTest.BIAS;
import static dev.monoquant.core.report.RenderingTest.parse;
import static dev.monoquant.core.report.RenderingTest.planned;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.monoquant.core.foreign.ForeignQuantization;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Tables and JSON of inspections and comparisons, character by character. */
class InspectionRenderingTest {

  private static Inspection inspection() {
    return inspection(Map.of());
  }

  private static Inspection inspection(Map<String, String> hashes) {
    return inspection(hashes, Optional.empty());
  }

  private static Inspection inspection(
      Map<String, String> hashes, Optional<ForeignQuantization> foreign) {
    PlannedWeight fc = planned("fc", 4, 1000);
    Layer layer =
        new Layer(
            "fc",
            LayerKind.LINEAR,
            Layer.Evidence.CONFIGURED,
            Map.of("weight", fc.weight().matrix().tensor()));
    Layer root = new Layer("", LayerKind.UNKNOWN, Layer.Evidence.INFERRED, Map.of("fc.bias", BIAS));
    return new Inspection(
        "m.safetensors",
        "safetensors",
        List.of(layer, root),
        List.of(fc.weight()),
        Map.of("fc.weight", fc.bytesAfter()),
        Map.of("format", "pt"),
        List.of("the entry state_dict was taken"),
        hashes,
        foreign);
  }

  private static ForeignQuantization foreign() {
    return new ForeignQuantization(
        "gptq (4 bits)",
        2,
        List.of("a.qweight", "b.qweight"),
        List.of("quantization_config of config.json"));
  }

  @Test
  void anInspectionTellsOfForeignQuantization() {
    Inspection inspection = inspection(Map.of(), Optional.of(foreign()));
    assertThat(inspection.toTable())
        .contains(
            """
            4,004 numbers; tensors: 2 of F32

            quantized by gptq (4 bits), which this version does not decode; 2 weights, such as \
            "a.qweight", "b.qweight" (known by quantization_config of config.json)
            note: the entry state_dict was taken

            tensor \
            """);
    assertThat(parse(inspection.toJson()).get("foreign_quantization").toString())
        .isEqualTo(
            "{\"method\":\"gptq (4 bits)\",\"count\":2,"
                + "\"examples\":[\"a.qweight\",\"b.qweight\"],"
                + "\"evidence\":[\"quantization_config of config.json\"]}");
  }

  @Test
  void anInspectionHasHashesIfTheyWereAskedFor() {
    Inspection inspection = inspection(Map.of("fc.bias", "ab12"));
    assertThat(inspection.toTable())
        .contains("stored    SHA-256\n")
        .contains("16 B    ab12\n")
        .contains("3.9 KiB\nfc.bias");
    assertThat(inspection.toJson()).containsOnlyOnce("\"sha256\": \"ab12\"");
    assertThat(inspection().toJson()).doesNotContain("sha256");
  }

  @Test
  void anInspectionIsATable() {
    assertThat(inspection().toTable())
        .isEqualTo(
            """
            m.safetensors: safetensors, 2 tensors in 2 layers, 3.9 KiB
            4,004 numbers; tensors: 2 of F32

            note: the entry state_dict was taken

            tensor     kind     known by  type           shape    stored
            fc.weight  Linear   given     int8@1 of F32  4x1000  3.9 KiB
            fc.bias    Unknown  inferred  F32            4          16 B

            quantized weight  scheme        bits  parts
            fc.weight         int8 channel     8  codes I8 4x1000, scale F32 4x1

            metadata
              format: "pt"
            """);
  }

  @Test
  void anInspectionIsJson() {
    JsonObject json = parse(inspection().toJson());

    assertThat(json.keySet())
        .containsExactly(
            "schema",
            "kind",
            "input",
            "format",
            "tensors",
            "stored_bytes",
            "layers",
            "quantized",
            "foreign_quantization",
            "metadata",
            "notes");
    assertThat(json.get("notes").toString()).isEqualTo("[\"the entry state_dict was taken\"]");
    assertThat(json.get("foreign_quantization").isJsonNull()).isTrue();
    assertThat(json.get("stored_bytes").getAsLong()).isEqualTo(4032);
    assertThat(json.getAsJsonArray("layers").get(0).toString())
        .isEqualTo(
            "{\"name\":\"fc\",\"kind\":\"Linear\",\"evidence\":\"given\",\"tensors\":[{"
                + "\"param\":\"weight\",\"name\":\"fc.weight\",\"type\":\"F32\","
                + "\"shape\":[4,1000],\"bytes\":16000,\"file\":\"\"}]}");
  }

  private static Comparison comparison() {
    return comparison(Optional.empty());
  }

  private static Comparison comparison(Optional<ForeignQuantization> foreignInB) {
    return new Comparison(
        "a.pt",
        "b.pt",
        List.of(
            new ComparedTensor(
                "fc.bias",
                ElementType.FLOAT32,
                ElementType.FLOAT32,
                TensorShape.of(4),
                true,
                new ErrorStatistics(4, 1, 0, 1, 1, 0)),
            new ComparedTensor(
                "fc.weight",
                ElementType.FLOAT32,
                ElementType.BFLOAT16,
                TensorShape.of(4, 1000),
                false,
                new ErrorStatistics(4000, 1000, 0.01, 999.9, 999.9, 0.0012)),
            new ComparedTensor(
                "steps",
                ElementType.INT64,
                ElementType.INT64,
                TensorShape.of(),
                false,
                ErrorStatistics.EMPTY)),
        List.of(new TensorInfo("x", ElementType.FLOAT32, TensorShape.of(4))),
        List.of(),
        List.of(),
        Map.of(),
        Optional.empty(),
        foreignInB);
  }

  @Test
  void aComparisonTellsOfForeignQuantization() {
    Comparison comparison = comparison(Optional.of(foreign()));
    assertThat(comparison.toTable())
        .startsWith(
            """
            A is a.pt
            B is b.pt
            note: B is quantized by gptq (4 bits), which this version does not decode; 2 weights, \
            such as "a.qweight", "b.qweight" (known by quantization_config of config.json); its \
            codes are compared as they are stored

            tensor \
            """);
    JsonObject json = parse(comparison.toJson());
    assertThat(json.get("foreign_quantization_in_a").isJsonNull()).isTrue();
    assertThat(json.getAsJsonObject("foreign_quantization_in_b").get("count").getAsInt())
        .isEqualTo(2);
  }

  @Test
  void aComparisonIsATable() {
    assertThat(comparison().toTable())
        .isEqualTo(
            """
            A is a.pt
            B is b.pt

            tensor     in A  in B  shape   SQNR dB  max error    cosine
            fc.weight  F32   BF16  4x1000    50.00  1.200e-03  0.999949
            steps      I64   I64   scalar        -          -         -

            3 tensors in common: 1 equal, 2 different
            error of all tensors in common: SQNR 50.00 dB, cosine 0.999950, max error 1.200e-03
            only in A: 1 tensor: x
            """);
  }

  @Test
  void aComparisonIsJson() {
    JsonObject json = parse(comparison().toJson());

    assertThat(json.keySet())
        .containsExactly(
            "schema",
            "kind",
            "a",
            "b",
            "identical",
            "errors",
            "tensors",
            "only_in_a",
            "only_in_b",
            "mismatched",
            "edits",
            "foreign_quantization_in_a",
            "foreign_quantization_in_b");
    assertThat(json.get("identical").getAsBoolean()).isFalse();
    JsonObject steps = json.getAsJsonArray("tensors").get(2).getAsJsonObject();
    assertThat(steps.getAsJsonObject("errors").get("sqnr_db").isJsonNull()).isTrue();
  }

  @Test
  void sameModelsAreCalledTheSame() {
    Comparison same =
        new Comparison(
            "a",
            "b",
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            Map.of(),
            Optional.empty(),
            Optional.empty());
    assertThat(same.toTable())
        .endsWith("0 tensors in common: 0 equal, 0 different\nthe models are the same\n");
  }
}

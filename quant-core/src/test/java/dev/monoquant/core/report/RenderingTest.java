package dev.monoquant.core.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.monoquant.Problem;
import dev.monoquant.core.text.Text;
import dev.monoquant.model.ElementType;
import dev.monoquant.model.Layer;
import dev.monoquant.model.LayerKind;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.model.TensorShape;
import dev.monoquant.model.WeightMatrix;
import dev.monoquant.spi.EncodedWeight;
import dev.monoquant.spi.OptionValues;
import dev.monoquant.spi.SchemeId;
import dev.monoquant.tile.Encoding;
import dev.monoquant.tile.Granularity;
import dev.monoquant.tile.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tables and JSON of reports and plans, character by character. */
class RenderingTest {

  static final TensorInfo BIAS = new TensorInfo("fc.bias", ElementType.FLOAT32, TensorShape.of(4));

  static PlannedWeight planned(String layer, long rows, long cols) {
    TensorInfo tensor =
        new TensorInfo(layer + ".weight", ElementType.FLOAT32, TensorShape.of(rows, cols));
    return new PlannedWeight(
        new EncodedWeight(
            new WeightMatrix(layer, LayerKind.LINEAR, "weight", tensor, 0),
            new SchemeId("int8", 1),
            OptionValues.of(8, true, Granularity.CHANNEL),
            Encoding.affine(
                Part.perElement(Part.CODES, ElementType.INT8),
                Part.perRow(Part.SCALE, ElementType.FLOAT32))),
        Layer.Evidence.INFERRED,
        "linear",
        "");
  }

  @Test
  void whatTheOutputFormatSaysIsSaidOnceForAllWeightsThatItIsSaidOf() {
    PlannedWeight fast = planned("a", 4, 1000);
    PlannedWeight stored =
        new PlannedWeight(
            fast.weight().withStorage(new OptionValues(Map.of("mode", "dynamic"))),
            fast.evidence(),
            fast.quantizer(),
            "int8 kernel");
    Plan plan =
        plan(
            List.of(
                stored,
                planned("b", 4, 1000).withRemark("decoded\n at load"),
                planned("c", 4, 1000).withRemark("int8 kernel"),
                planned("d", 4, 1000)),
            List.of());
    assertThat(plan.toTable())
        .contains("int8 channel mode=dynamic")
        .contains("2 weights: int8 kernel: a.weight, c.weight")
        .contains("1 weight: decoded\\u000a at load: b.weight");
    JsonObject weight =
        JsonParser.parseString(plan.toJson())
            .getAsJsonObject()
            .getAsJsonArray("weights")
            .get(0)
            .getAsJsonObject();
    assertThat(weight.get("remark").getAsString()).isEqualTo("int8 kernel");
    assertThat(weight.get("storage").toString()).isEqualTo("{\"mode\":\"dynamic\"}");
  }

  private static Plan plan(List<PlannedWeight> weights, List<UnquantizedTensor> kept) {
    return new Plan(
        "m.safetensors",
        "safetensors",
        "compressed-tensors",
        List.of(),
        weights,
        kept,
        Optional.empty(),
        List.of(Problem.warning("fc", "a thing", "Do another")),
        Optional.of(new OutputSize(5678, 0, List.of())));
  }

  private static UnquantizedTensor kept(TensorInfo tensor, String reason) {
    return new UnquantizedTensor(
        tensor, "fc", LayerKind.LINEAR, UnquantizedTensor.Why.NOT_A_WEIGHT, reason);
  }

  private static Report report() {
    PlannedWeight fc = planned("fc", 4, 1000);
    PlannedWeight zero = planned("zero", 1, 8);
    Plan plan = plan(List.of(fc, zero), List.of(kept(BIAS, "a bias")));
    return new Report(
        plan,
        List.of(
            new WeightReport(
                fc,
                new ErrorStatistics(4000, 1000, 0.01, 999.9, 999.9, 0.0012),
                0.002,
                OptionalDouble.empty()),
            new WeightReport(
                zero,
                new ErrorStatistics(8, 0, 0, 0, 0, 0),
                Double.POSITIVE_INFINITY,
                OptionalDouble.empty())),
        plan.problems());
  }

  @Test
  void aReportIsATable() {
    assertThat(report().toTable())
        .isEqualTo(
            """
            m.safetensors: safetensors -> compressed-tensors

            weight       kind    scheme        shape     before    after  ratio  SQNR dB  max error      bound    cosine
            fc.weight    Linear  int8 channel  4x1000  15.6 KiB  3.9 KiB  3.98x    50.00  1.200e-03  2.000e-03  0.999949
            zero.weight  Linear  int8 channel  1x8         32 B     12 B  2.67x    exact          0       none         1

            quantized: 2 weights of 3 tensors, 15.7 KiB -> 3.9 KiB (3.98x smaller)
            kept as they are: 1 tensor, 16 B
              1 not-a-weight: a bias: fc.bias
            model: 15.7 KiB -> 3.9 KiB (3.97x smaller), 5678 bytes with headers
            error of all quantized weights: SQNR 50.00 dB, cosine 0.999949, max error 1.200e-03
            warning: fc: a thing. Do another
            """);
  }

  @Test
  void aSummaryFitsATerminal() {
    assertThat(report().toSummary(80))
        .isEqualTo(
            """
            m.safetensors: safetensors -> compressed-tensors, 15.7 KiB -> 5.5 KiB (2.83x smaller)
            quantized: 2 weights of 3 tensors, 15.7 KiB -> 3.9 KiB (3.98x smaller)
            lowest SQNR  scheme          after  ratio  SQNR dB    cosine
            fc.weight    int8 channel  3.9 KiB  3.98x    50.00  0.999949
            zero.weight  int8 channel     12 B  2.67x    exact         1
            left in float: 1 tensor, 16 B: 1 not-a-weight
            warning: fc: a thing. Do another
            """);
  }

  /** A table that is too wide loses what matters least, and never a part of a number. */
  @Test
  void aTableFitsATerminal() {
    String whole = report().toTable();
    for (int columns : new int[] {40, 60, 80, 100, 140}) {
      List<String> rows =
          report().toTable(columns).lines().filter(l -> l.contains(".weight ")).toList();
      assertThat(rows).hasSize(2).allMatch(row -> row.length() <= Math.max(columns, 53));
      assertThat(rows.get(0)).startsWith("fc.weight").endsWith(" 0.999949").contains(" 3.9 KiB ");
    }
    assertThat(report().toTable(400)).isEqualTo(whole);
  }

  @Test
  void aSummaryShowsTheWorstWeightsAndWhatWasKeptUnexpectedly() {
    List<PlannedWeight> planned = new ArrayList<>();
    List<WeightReport> weights = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      PlannedWeight weight = planned("a.rather.long.name.of.a.layer.of.a.model.that." + i, 1, 8);
      planned.add(weight);
      weights.add(
          new WeightReport(
              weight,
              new ErrorStatistics(8, 1, (9 - i) * 1e-3, 1, 1, 0),
              1,
              OptionalDouble.empty()));
    }
    UnquantizedTensor odd =
        new UnquantizedTensor(
            BIAS,
            "fc",
            LayerKind.LINEAR,
            UnquantizedTensor.Why.UNSUPPORTED,
            "9 columns in groups of 64");
    Report report =
        new Report(plan(planned, List.of(odd, kept(BIAS, "a bias"))), weights, List.of());
    String summary = report.toSummary(80);

    assertThat(summary.lines().filter(line -> line.contains("int8 channel")))
        .hasSize(5)
        .allMatch(line -> line.length() <= 80)
        .first()
        .asString()
        .startsWith("...a.layer.of.a.model.that.0.weight");
    assertThat(summary)
        .contains("left in float: 2 tensors, 32 B: 1 not-a-weight, 1 unsupported\n")
        .doesNotContain("a bias");
  }

  @Test
  void aPlanIsATable() {
    assertThat(report().plan().toTable())
        .isEqualTo(
            """
            m.safetensors: safetensors -> compressed-tensors

            weight       kind    known by  scheme        shape     before    after  ratio
            fc.weight    Linear  inferred  int8 channel  4x1000  15.6 KiB  3.9 KiB  3.98x
            zero.weight  Linear  inferred  int8 channel  1x8         32 B     12 B  2.67x

            quantized: 2 weights of 3 tensors, 15.7 KiB -> 3.9 KiB (3.98x smaller)
            kept as they are: 1 tensor, 16 B
              1 not-a-weight: a bias: fc.bias
            model: 15.7 KiB -> 3.9 KiB (3.97x smaller), 5678 bytes with headers
            warning: fc: a thing. Do another
            """);
  }

  @Test
  void tablesDoNotDependOnTheLocale() {
    String expected = report().toTable();
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
      assertThat(report().toTable()).isEqualTo(expected);
      Locale.setDefault(Locale.GERMANY);
      assertThat(report().toTable()).isEqualTo(expected);
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void manyWeightsShowTheWorstAndSaySo() {
    List<PlannedWeight> planned = new ArrayList<>();
    List<WeightReport> weights = new ArrayList<>();
    List<UnquantizedTensor> kept = new ArrayList<>();
    for (int i = 0; i < 250; i++) {
      PlannedWeight weight = planned("l" + i, 1, 8 + i);
      planned.add(weight);
      double noise = i % 2 == 0 ? 1e-3 : 1e-6;
      weights.add(
          new WeightReport(
              weight, new ErrorStatistics(8, 1, noise, 1, 1, 1e-3), 1, OptionalDouble.empty()));
      kept.add(kept(new TensorInfo("b" + i, ElementType.INT64, TensorShape.of()), "is integer"));
      kept.add(kept(new TensorInfo("c" + i, ElementType.INT64, TensorShape.of()), "reason " + i));
    }
    Plan plan = plan(planned, kept);
    String table = new Report(plan, weights, List.of()).toTable();

    assertThat(table.lines().filter(l -> l.contains("int8 channel"))).hasSize(100);
    assertThat(table)
        .contains("100 of 250 weights are shown, those with the lowest SQNR; the JSON form has all")
        .contains("l0.weight")
        .doesNotContain("l1.weight ")
        .contains("  250 not-a-weight: is integer: b0, b1, b2, b3 and 246 more\n")
        .contains("  231 more for 231 other reasons; the JSON form has all\n");
    assertThat(plan.toTable())
        .contains("100 of 250 weights are shown, those that are largest")
        .contains("l249.weight")
        .doesNotContain("l149.weight");
    JsonObject json = parse(new Report(plan, weights, List.of()).toJson());
    assertThat(json.getAsJsonArray("weights")).hasSize(250);
    assertThat(json.getAsJsonArray("kept")).hasSize(500);
  }

  @Test
  void aHostileNameCannotReachTheTerminal() {
    TensorInfo evil =
        new TensorInfo("a\u001b[31m\nb\u202e", ElementType.FLOAT32, TensorShape.of(1));
    Plan plan = plan(List.of(), List.of(kept(evil, "called a\u001b[31m")));

    assertThat(plan.toTable())
        .contains("\"a\\u001b[31m\\u000ab\\u202e\"")
        .contains("called a\\u001b[31m")
        .doesNotContain("\u001b", "\u202e");
  }

  @Test
  void aReportIsJson() {
    JsonObject json = parse(report().toJson());

    assertThat(json.keySet())
        .containsExactly(
            "schema",
            "kind",
            "input",
            "input_format",
            "output_format",
            "output_bytes",
            "whole_bytes_before",
            "whole_bytes_after",
            "bytes_before",
            "bytes_after",
            "compression_ratio",
            "errors",
            "weights",
            "kept",
            "kept_counts",
            "side_files",
            "run",
            "gates",
            "problems");
    assertThat(json.get("schema").getAsInt()).isEqualTo(1);
    assertThat(json.get("bytes_before").getAsLong()).isEqualTo(16048);
    assertThat(json.get("bytes_after").getAsLong()).isEqualTo(4044);
    JsonArray weights = json.getAsJsonArray("weights");
    JsonObject fc = weights.get(0).getAsJsonObject();
    assertThat(fc.keySet())
        .containsExactly(
            "name",
            "type",
            "shape",
            "bytes",
            "file",
            "layer",
            "layer_kind",
            "scheme",
            "bits",
            "symmetric",
            "granularity",
            "profile",
            "options",
            "storage",
            "parts",
            "packed_bytes",
            "evidence",
            "quantizer",
            "remark",
            "errors",
            "max_error_bound");
    assertThat(fc.getAsJsonObject("errors").toString())
        .isEqualTo(
            "{\"elements\":4000,\"sqnr_db\":50.0,\"max_error\":0.0012,\"cosine\":"
                + report().weights().get(0).errors().cosine()
                + "}");
    assertThat(fc.get("parts").toString())
        .isEqualTo(
            "[{\"name\":\"codes\",\"type\":\"I8\",\"shape\":[4,1000]},"
                + "{\"name\":\"scale\",\"type\":\"F32\",\"shape\":[4,1]}]");
    JsonObject zero = weights.get(1).getAsJsonObject();
    assertThat(zero.get("max_error_bound").isJsonNull()).isTrue();
    assertThat(zero.getAsJsonObject("errors").get("sqnr_db").isJsonNull()).isTrue();
    assertThat(json.get("kept_counts").toString()).isEqualTo("{\"not-a-weight\":1}");
    assertThat(json.get("problems").toString())
        .isEqualTo(
            "[{\"severity\":\"warning\",\"subject\":\"fc\",\"message\":\"a thing\","
                + "\"remedy\":\"Do another\"}]");
  }

  @Test
  void aPlanIsJsonWithoutErrors() {
    JsonObject json = parse(report().plan().toJson());

    assertThat(json.get("kind").getAsString()).isEqualTo("plan");
    assertThat(json.has("errors")).isFalse();
    assertThat(json.getAsJsonArray("weights").get(0).getAsJsonObject().has("errors")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "1023, 1023 B",
    "1024, 1.0 KiB",
    "1048524, 1023.9 KiB",
    "1048575, 1.0 MiB",
    "1572864, 1.5 MiB",
    "9223372036854775807, 8.0 EiB"
  })
  void bytesAreReadable(long bytes, String text) {
    assertThat(Text.bytes(bytes)).isEqualTo(text);
  }

  @Test
  void aCosineIsNeverRoundedUpToOne() {
    assertThat(Text.cosine(0.99999999)).isEqualTo("0.999999");
  }

  @Test
  void aLongNameLosesItsMiddle() {
    assertThat(Text.name("a".repeat(60) + "b".repeat(60)))
        .isEqualTo("a".repeat(34) + "..." + "b".repeat(34));
  }

  static JsonObject parse(String text) {
    assertThat(text).endsWith("}\n");
    return JsonParser.parseString(text).getAsJsonObject();
  }

  @Test
  void modelsThatRanAreATableAndPartOfAReport() {
    ErrorStatistics same = new ErrorStatistics(10, 4, 0, 4, 4, 0);
    ErrorStatistics near = new ErrorStatistics(10, 4, 0.004, 3.998, 4, 0.05);
    RunComparison run =
        new RunComparison(
            "in.npz",
            25,
            List.of(
                new RunResult(
                    "a.pt",
                    91 << 20,
                    37_600_000,
                    36_000_000,
                    new RunResult.Spread(41_000_000, 1, 1),
                    50_000_000,
                    80_000_000,
                    same,
                    same,
                    0,
                    List.of()),
                new RunResult(
                    "b.pt",
                    23 << 20,
                    9_400_000,
                    9_000_000,
                    new RunResult.Spread(12_000_000, 3.75, 4.5),
                    70_000_000,
                    90_000_000,
                    near,
                    near,
                    0,
                    List.of())),
            List.of());
    assertThat(run.toTable())
        .isEqualTo(
            """
            run on in.npz, 25 rounds in turns
            model      file     median    fastest  speed-up  half of rounds  output cosine  SQNR dB  max difference
            a.pt   91.0 MiB  37.600 ms  36.000 ms     1.00x
            b.pt   23.0 MiB   9.400 ms   9.000 ms     4.00x  3.75x to 4.50x       0.999500    30.00       5.000e-02
            a.pt: loaded in 50.000 ms, the first two calls took 80.000 ms
            b.pt: loaded in 70.000 ms, the first two calls took 90.000 ms
            """);
    RunComparison slow = run.with(List.of(Problem.warning("b.pt", "it is slow", "take another")));
    assertThat(slow.toTable())
        .isEqualTo(run.toTable() + "warning: b.pt: it is slow. take another\n");
    assertThat(parse(slow.toJson()).getAsJsonArray("problems").get(0).getAsJsonObject())
        .hasToString(
            "{\"severity\":\"warning\",\"subject\":\"b.pt\",\"message\":\"it is slow\","
                + "\"remedy\":\"take another\"}");
    Report report = report().with(List.of(), Optional.of(run));
    assertThat(report.toTable()).contains(run.toTable());
    JsonObject json = parse(report.toJson()).getAsJsonObject("run");
    assertThat(json.get("inputs").getAsString()).isEqualTo("in.npz");
    JsonObject second = json.getAsJsonArray("models").get(1).getAsJsonObject();
    assertThat(second.get("speedup").getAsDouble()).isEqualTo(4);
    assertThat(second.get("speedup_low").getAsDouble()).isEqualTo(3.75);
    assertThat(second.get("speedup_high").getAsDouble()).isEqualTo(4.5);
    assertThat(second.get("slowest_ns").getAsLong()).isEqualTo(12_000_000);
    assertThat(second.get("load_ns").getAsLong()).isEqualTo(70_000_000);
    assertThat(second.get("first_two_calls_ns").getAsLong()).isEqualTo(90_000_000);
    assertThat(second.getAsJsonObject("outputs").get("max_error").getAsDouble()).isEqualTo(0.05);
    assertThat(parse(report().toJson()).get("run").isJsonNull()).isTrue();
  }
}

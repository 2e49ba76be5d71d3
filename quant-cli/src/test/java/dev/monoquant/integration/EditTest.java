package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Selector;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.CalibrationOptions;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.Comparison;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.report.Verification;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.model.FloatBytes;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.InputStatistics;
import dev.monoquant.spi.MeasuredInputs;
import dev.monoquant.spi.ModelInfo;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.Plugins;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.spi.ScaleFold;
import dev.monoquant.spi.ScaleFold.Side;
import dev.monoquant.spi.ScaleFolds;
import dev.monoquant.spi.ScaleMapping;
import dev.monoquant.tile.Granularity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Edits of a trained model, by a mapping of a plugin. */
class EditTest {

  private static final Path DIGITS = Path.of("src", "test", "resources", "digits");
  private static final Path MODEL = DIGITS.resolve("transformer.safetensors");

  @TempDir private static Path calibrated;
  @TempDir private Path folder;

  private static Path statistics = Path.of("");

  /** Norms, q, k, v, and a feed-forward part with names of their own. */
  private static final class DigitsMapping implements ScaleMapping {

    @Override
    public String id() {
      return "test/digits";
    }

    @Override
    public Set<String> models() {
      return Set.of("DigitsTransformer");
    }

    @Override
    public boolean recognises(ModelInfo model) {
      return model.tensors().stream().anyMatch(t -> t.name().equals("ln1.weight"));
    }

    @Override
    public ScaleFolds folds(ModelInfo model) {
      Map<String, TensorInfo> all =
          model.tensors().stream().collect(Collectors.toMap(TensorInfo::name, Function.identity()));
      return new ScaleFolds(
          List.of(fold(all, "ln1", "q", "k", "v"), fold(all, "ln2", "fc1"), fold(all, "v", "o")),
          Map.of("fc2.weight", "a GELU is before it"));
    }

    private static ScaleFold fold(Map<String, TensorInfo> all, String input, String... readers) {
      List<Side> multiplied = new ArrayList<>();
      for (String reader : readers) {
        multiplied.add(new Side(all.get(reader + ".weight"), 1, 0));
      }
      return new ScaleFold(
          input,
          List.of(
              new Side(all.get(input + ".weight"), 0, 0), new Side(all.get(input + ".bias"), 0, 0)),
          multiplied,
          false);
    }
  }

  @BeforeAll
  static void calibrate() {
    statistics = calibrated.resolve("transformer.calibration.safetensors");
    Quantizer.create()
        .withSamples(List.of(SampleInputs.of(DIGITS.resolve("transformer.test.safetensors"))))
        .calibrate(
            ModelInput.of(DIGITS.resolve("transformer.traced.pt")),
            CalibrationOptions.DEFAULT
                .withProducts(List.of(Selector.parse("*")))
                .withMostCalls(2)
                .withBatch(50),
            statistics,
            false);
  }

  private static QuantizationConfig config(String... options) {
    QuantizationConfig.Builder builder =
        QuantizationConfig.builder()
            .scheme("int4")
            .granularity(Granularity.group(32))
            .exclude("embed");
    for (String option : options) {
      builder.option(
          option.substring(0, option.indexOf('=')), option.substring(option.indexOf('=') + 1));
    }
    return builder.build();
  }

  private static Quantizer quantizer() {
    return Quantizer.create().withPlugins(Plugins.load().with(new DigitsMapping()));
  }

  private Report quantize(String name, int threads, String... options) {
    try (Calibration calibration = quantizer().openCalibration(statistics)) {
      return quantizer()
          .withCalibration(calibration)
          .withThreads(threads)
          .quantize(ModelInput.of(MODEL), config(options), folder.resolve(name), false);
    }
  }

  /** The mean square error of the outputs of the edited layers in parts of the outputs. */
  private static double noise(Report report) {
    double sum = 0;
    for (WeightReport weight : report.weights()) {
      if (Set.of("q", "k", "v", "o", "fc1").contains(weight.planned().weight().matrix().layer())) {
        sum += Math.pow(10, -weight.outputSqnrDb().orElseThrow() / 10);
      }
    }
    return sum;
  }

  @Test
  void theErrorOfTheOutputsFalls() throws IOException {
    double plain = noise(quantize("plain.safetensors", 1));
    Report report = quantize("awq.safetensors", 1, "edit=awq");
    assertThat(noise(report)).isLessThan(0.95 * plain);
    assertThat(noise(quantize("smooth.safetensors", 1, "edit=smoothquant", "alpha=0.5")))
        .isNotEqualTo(plain);
    assertThat(noise(quantize("both.safetensors", 1, "edit=awq", "method=gptq", "search=grid")))
        .isLessThan(0.5 * noise(report));

    assertThat(reasons(report.plan())).containsEntry("ln1.weight", "divided (awq)");
    assertThat(report.problems().stream().map(Object::toString))
        .anyMatch(p -> p.startsWith("ln1: divided, and the columns of \"q.weight\""))
        .anyMatch(p -> p.contains("\"fc2.weight\": a GELU is before it"));
    assertThat(Files.readString(folder.resolve("awq.safetensors"), StandardCharsets.ISO_8859_1))
        .contains("monoquant.edits")
        .contains("ln2.bias");
    assertThat(Files.readAllBytes(folder.resolve("awq.safetensors")))
        .isNotEqualTo(Files.readAllBytes(folder.resolve("plain.safetensors")));
  }

  @Test
  void anEditedOutputIsVerifiedAndCompared() throws IOException {
    quantize("awq.safetensors", 1, "edit=awq", "search=grid");
    Path output = folder.resolve("awq.safetensors");
    Verification verification = quantizer().verify(output, Optional.of(ModelInput.of(MODEL)));
    assertThat(verification.differences()).isEmpty();
    assertThat(verification.edits()).containsKeys("ln1.weight", "ln1.bias", "q.weight", "v.weight");
    assertThat(verification.edits().get("v.weight"))
        .matches("its columns are multiplied \\(awq\\) by .*, divided \\(awq\\) by .* to .*");
    assertThat(verification.errors())
        .containsOnlyKeys("fc1.weight", "fc2.weight", "head.weight", "proj.weight");
    assertThat(verification.toTable()).contains("ln1.weight: divided (awq) by ");
    Comparison comparison = quantizer().compare(ModelInput.of(MODEL), ModelInput.of(output));
    assertThat(comparison.edits()).isEqualTo(verification.edits());
    assertThat(comparison.toTable()).contains("ln1.weight: divided (awq) by ");
    assertThat(quantizer().compare(ModelInput.of(output), ModelInput.of(output)).edits()).isEmpty();
  }

  /** The end of the reason of each tensor that is kept. */
  private static Map<String, String> reasons(Plan plan) {
    return plan.kept().stream()
        .collect(
            Collectors.toMap(
                (UnquantizedTensor k) -> k.tensor().name(),
                k -> k.reason().substring(k.reason().indexOf("; ") + 2)));
  }

  /** Mean squares of all Linears of a directory, as norms make them. */
  private static Calibration measured(Path model) throws IOException {
    List<InputStatistics> all = new ArrayList<>();
    try (ModelSource source =
        Plugins.load()
            .inputFormat("model-directory")
            .open(ModelInput.of(model), ReadLimits.DEFAULT)) {
      Map<String, TensorInfo> tensors =
          source.info().tensors().stream()
              .collect(Collectors.toMap(TensorInfo::name, Function.identity()));
      for (TensorInfo tensor : source.info().tensors()) {
        if (tensor.shape().rank() != 2) {
          continue;
        }
        String name = tensor.name();
        int mlp = name.indexOf(".mlp.");
        int part = Math.max(mlp, name.indexOf(".self_attn."));
        String norm = mlp < 0 ? ".input_layernorm.weight" : ".post_attention_layernorm.weight";
        TensorInfo before = part < 0 ? null : tensors.get(name.substring(0, part) + norm);
        float[] squares = new float[(int) tensor.shape().dim(1)];
        float[] weight = new float[squares.length];
        if (before != null && before.shape().elements() == squares.length) {
          FloatBytes.widen(
              before.type(),
              source.read(before, 0, (int) before.bytes()),
              weight,
              0,
              weight.length);
        }
        for (int c = 0; c < squares.length; c++) {
          float input = c % 8 == 0 ? 4 : 0.6f;
          squares[c] = input * (weight[c] == 0 ? 1 : weight[c] * weight[c]);
        }
        all.add(InputStatistics.of(Calibration.layerOf(name)).withMeanSquares(squares));
      }
    }
    return MeasuredInputs.of(all.toArray(new InputStatistics[0]));
  }

  /** Rows of q and k are in another order in GGUF files, and all names are others. */
  @Test
  void aGgufFileOfAnEditedDirectoryIsVerified() throws Exception {
    Path model = Path.of(EditTest.class.getResource("/gguf/transformers/llama3").toURI());
    Path target = folder.resolve("edited.gguf");
    QuantizationConfig config =
        QuantizationConfig.builder()
            .scheme("float16")
            .option("edit", "awq")
            .option("alpha", "0.5")
            .build();
    try (Calibration calibration = measured(model)) {
      Report report =
          Quantizer.create()
              .withCalibration(calibration)
              .quantize(ModelInput.of(model), config, target, false);
      assertThat(report.problems().stream().map(Object::toString))
          .anyMatch(p -> p.startsWith("model.layers.0.input_layernorm: divided"))
          .noneMatch(p -> p.contains("without factors, \"blk.0.attn_q"));
    }
    Verification verification =
        Quantizer.create().verify(target, Optional.of(ModelInput.of(model)));
    // Of casts verify tells the other type, and of nothing else here.
    assertThat(verification.differences())
        .allSatisfy(p -> assertThat(p.toString()).contains("the original's is BF16"));
    assertThat(verification.edits()).containsKey("model.layers.0.input_layernorm.weight");
  }

  /** Each weight of a program divides its own inputs, whatever makes them. */
  @ParameterizedTest
  @CsvSource({"int4, awq, weight-only", "int4, awq, dynamic-row", "int8, smoothquant, static"})
  void weightsOfAProgramDivideTheirOwnInputs(String scheme, String edit, String mode)
      throws IOException {
    ModelInput archive = ModelInput.of(DIGITS.resolve("transformer.traced.pt"));
    List<Report> reports = new ArrayList<>();
    Path output = folder.resolve("edited.pt");
    for (String how : List.of("none", edit)) {
      QuantizationConfig.Builder builder =
          QuantizationConfig.builder()
              .scheme(scheme)
              .exclude("embed")
              .option("small", "0")
              .option("mode", mode)
              .option("edit", how);
      if (scheme.equals("int4")) {
        builder.granularity(Granularity.group(32));
      }
      try (Calibration calibration = Quantizer.create().openCalibration(statistics)) {
        reports.add(
            Quantizer.create()
                .withCalibration(calibration)
                .withSamples(
                    List.of(SampleInputs.of(DIGITS.resolve("transformer.test.safetensors"))))
                .quantize(archive, builder.build(), output, true));
      }
    }
    if (edit.equals("awq")) {
      assertThat(noise(reports.get(1))).isLessThan(0.97 * noise(reports.get(0)));
    }
    // Static ranges are those of divided inputs.
    assertThat(reports.get(1).problems().stream().map(Object::toString))
        .noneMatch(p -> p.contains("has no range of its inputs"))
        .anyMatch(p -> p.startsWith("q.weight: its inputs are divided by factors by "));
    Verification verification = Quantizer.create().verify(output, Optional.of(archive));
    assertThat(verification.differences()).isEmpty();
    assertThat(verification.edits()).isEmpty();
    assertThat(verification.errors())
        .containsKeys("q.weight", "fc2.weight")
        .allSatisfy((name, error) -> assertThat(error.sqnrDb()).isGreaterThan(18));
    Comparison comparison = Quantizer.create().compare(archive, ModelInput.of(output));
    assertThat(comparison.edits()).isEmpty();
    assertThat(comparison.toTable()).doesNotContain("scaled before");
    assertThat(Files.readString(output, StandardCharsets.ISO_8859_1))
        .contains("monoquant.edits")
        .contains("column_factors");
  }

  @Test
  void aPlanOfAProgramTellsWhatWillBeDivided() {
    try (Calibration calibration = quantizer().openCalibration(statistics)) {
      Plan plan =
          quantizer()
              .withCalibration(calibration)
              .plan(
                  ModelInput.of(DIGITS.resolve("transformer.traced.pt")),
                  config("edit=awq", "small=0"),
                  Optional.of(folder.resolve("a.pt")));
      assertThat(plan.weights())
          .allMatch(w -> w.remark().contains("its inputs are divided (awq)"))
          .allMatch(w -> w.weight().encoding().columnFactors().isPresent());
    }
  }

  @Test
  void theBytesDoNotDependOnThreads() throws IOException {
    quantize("one.safetensors", 1, "edit=awq");
    quantize("three.safetensors", 3, "edit=awq");
    assertThat(Files.readAllBytes(folder.resolve("three.safetensors")))
        .isEqualTo(Files.readAllBytes(folder.resolve("one.safetensors")));
  }

  @Test
  void aPlanTellsWhatWillBeEdited() {
    try (Calibration calibration = quantizer().openCalibration(statistics)) {
      Plan plan =
          quantizer()
              .withCalibration(calibration)
              .plan(
                  ModelInput.of(MODEL),
                  config("edit=awq"),
                  Optional.of(folder.resolve("a.safetensors")));
      assertThat(reasons(plan)).containsEntry("ln2.bias", "divided (awq)");
      assertThat(plan.weights())
          .filteredOn(w -> w.weight().name().equals("v.weight"))
          .allMatch(w -> w.remark().contains("its columns are multiplied (awq)"));
    }
  }

  @Test
  void whatCannotBeEditedIsRefused() {
    Quantizer quantizer = quantizer();
    assertThatThrownBy(
            () ->
                quantizer.plan(
                    ModelInput.of(MODEL),
                    config("edit=awq"),
                    Optional.of(folder.resolve("a.safetensors"))))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("edit=awq needs statistics")
        .hasMessageContaining("--calibration");
    try (Calibration calibration = quantizer.openCalibration(statistics)) {
      Quantizer with = quantizer.withCalibration(calibration);
      refused(with, MODEL, "alpha=0.5")
          .hasMessageContaining("option alpha belongs to scale mapping")
          .hasMessageContaining("add --option edit=awq or edit=smoothquant");
      refused(with, MODEL, "edit=awk").hasMessageContaining("awq");
      refused(with, DIGITS.resolve("transformer.traced.pt"), "edit=awq")
          .hasMessageContaining("of a program needs an output that runs its weights");
      refused(Quantizer.create().withCalibration(calibration), MODEL, "edit=awq")
          .hasMessageContaining("its names do not tell which norms can be divided");
      assertThatThrownBy(
              () ->
                  with.plan(
                      ModelInput.of(MODEL),
                      List.of(
                          new Output(folder.resolve("a.safetensors"), config()),
                          new Output(folder.resolve("b.safetensors"), config("edit=awq")))))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("an edit changes what other outputs read");
    }
  }

  private org.assertj.core.api.AbstractThrowableAssert<?, ?> refused(
      Quantizer quantizer, Path model, String... options) {
    return assertThatThrownBy(
            () ->
                quantizer.plan(
                    ModelInput.of(model),
                    config(options),
                    Optional.of(folder.resolve("a.safetensors"))))
        .isInstanceOf(ConfigurationException.class);
  }
}

package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Model;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Rule;
import dev.monoquant.ValidationException;
import dev.monoquant.WeightSettings;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.Report;
import dev.monoquant.spi.ModelInput;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** TorchScript in, TorchScript out: trained models stay as accurate, and no broken one is made. */
class ScriptOutputTest {

  private static final double HALF_A_POINT = 0.005;

  @TempDir private Path folder;

  private static QuantizationConfig.Builder all() {
    return QuantizationConfig.builder().format("torchscript").option("small", "0");
  }

  private static Quantizer quantizer(Digits digits) {
    return Quantizer.create()
        .withSync(false)
        .withSamples(List.of(SampleInputs.of(digits.testData())));
  }

  private static final List<String> MODES =
      List.of("weight-only", "dynamic", "dynamic-row", "dynamic-row-asymmetric");

  /** By default each model is in every mode, either traced or scripted; else both. */
  static Stream<Arguments> everyModelInEveryMode() {
    int kinds = Sweep.count(1, 2);
    List<Digits> models = List.of(Digits.values());
    return models.stream()
        .flatMap(
            digits ->
                IntStream.range(0, MODES.size() * kinds)
                    .mapToObj(
                        i -> {
                          int kind = (models.indexOf(digits) + i + i / MODES.size()) % 2;
                          return Arguments.of(
                              digits,
                              List.of("traced", "scripted").get(kind),
                              MODES.get(i % MODES.size()));
                        }));
  }

  @ParameterizedTest
  @MethodSource("everyModelInEveryMode")
  void isWithinHalfAPointOfFloat(Digits digits, String kind, String mode) throws Exception {
    Path original = digits.script(kind);
    Path made = folder.resolve("made.pt");
    Report report =
        quantizer(digits)
            .quantize(ModelInput.of(original), all().option("mode", mode).build(), made, false);
    assertThat(report.weights()).isNotEmpty();
    assertThat(report.plan().weights())
        .extracting(PlannedWeight::remark)
        .allMatch(remark -> remark.startsWith(mode) || remark.startsWith("weight-only"));
    assertThat(report.run()).isPresent();
    assertThat(Files.size(made)).isLessThan(Files.size(original) / 2);
    try (NDManager manager = NDManager.newBaseManager("PyTorch");
        Model before = load(original);
        Model after = load(made)) {
      assertThat(digits.accuracy(after.getBlock(), manager))
          .isGreaterThanOrEqualTo(digits.accuracy(before.getBlock(), manager) - HALF_A_POINT);
    }
  }

  private static Model load(Path file) throws Exception {
    Model model = Model.newInstance("digits", "PyTorch");
    model.load(file);
    return model;
  }

  @Test
  void djlLoadsItAsAnyOtherAndTellsWhatItIs() throws Exception {
    Path made = folder.resolve("made.pt");
    quantizer(Digits.CNN)
        .quantize(ModelInput.of(Digits.CNN.script("traced")), all().build(), made, false);
    Criteria<NDList, NDList> criteria =
        Criteria.builder()
            .setTypes(NDList.class, NDList.class)
            .optModelPath(made)
            .optEngine("PyTorch")
            .optOption("extraFiles", "monoquant.json")
            .build();
    try (ZooModel<NDList, NDList> model = criteria.loadModel();
        var predictor = model.newPredictor();
        NDManager manager = NDManager.newBaseManager("PyTorch")) {
      NDList input = new NDList(Digits.CNN.testData("inputs", manager));
      assertThat(predictor.predict(input).singletonOrThrow().getShape().dimension()).isEqualTo(2);
      assertThat(model.getProperty("monoquant.json")).contains("int8").contains("classifier.1");
    }
  }

  @Test
  void whatIsTooFarFromTheOriginalIsNotPutInPlace() throws Exception {
    Path made = Files.writeString(folder.resolve("made.pt"), "what was there");
    assertThatThrownBy(
            () ->
                quantizer(Digits.CNN)
                    .withMinCosine(1)
                    .quantize(
                        ModelInput.of(Digits.CNN.script("traced")), all().build(), made, true))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("made.pt: the cosine between its outputs")
        .hasMessageContaining("nothing was written");
    assertThat(made).hasContent("what was there");
    assertThat(folder.toFile().list()).containsExactly("made.pt");
  }

  private static final Path TIED =
      Path.of(
          "..",
          "quant-script",
          "src",
          "test",
          "resources",
          "dev",
          "monoquant",
          "script",
          "tied-traced.pt");

  /** A head that is the table of the embedding has its codes, whatever heads have otherwise. */
  @Test
  void tiedWeightsAreStoredOnce() throws Exception {
    Path once = folder.resolve("once.pt");
    Path both = folder.resolve("both.pt");
    Quantizer quantizer = Quantizer.create().withSync(false);
    Report report = quantizer.quantize(ModelInput.of(TIED), all().build(), once, false);
    assertThat(report.plan().weights())
        .filteredOn(w -> !w.weight().name().equals("fc.weight"))
        .hasSize(2)
        .allMatch(w -> !w.weight().options().symmetric());
    // A head that is told to be symmetric has codes of its own.
    QuantizationConfig apart =
        all().rule(Rule.adjust("head", WeightSettings.OPEN.withSymmetric(true))).build();
    quantizer.quantize(ModelInput.of(TIED), apart, both, false);
    assertThat(Files.size(once)).isLessThan(Files.size(both) - 60 * 24);
    for (Path made : List.of(once, both)) {
      assertThat(quantizer.verify(made, Optional.of(ModelInput.of(TIED))).sound()).isTrue();
    }
  }

  @Test
  void aTiedWeightThatIsExcludedStaysAsItIs() {
    Path made = folder.resolve("made.pt");
    Quantizer quantizer = Quantizer.create().withSync(false);
    Report report =
        quantizer.quantize(ModelInput.of(TIED), all().exclude("head").build(), made, false);
    assertThat(report.run()).isPresent();
    assertThat(report.plan().kept()).anyMatch(k -> k.tensor().name().equals("head.weight"));
    assertThat(quantizer.verify(made, Optional.of(ModelInput.of(TIED))).sound()).isTrue();
  }
}

package dev.monoquant.integration;

import static ai.djl.ndarray.types.DataType.FLOAT32;
import static org.assertj.core.api.Assertions.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.InstanceOfAssertFactories.STRING;

import ai.djl.Device;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.ConfigurationException;
import dev.monoquant.PlanException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Rule;
import dev.monoquant.ValidationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.control.TuneOptions;
import dev.monoquant.core.recipe.Recipe;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.TuneReport;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.fakes.LiveArrays;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Layers of a real model are tuned. */
class TuneTest {

  private static final Path DIGITS = Path.of("src", "test", "resources", "digits");
  private static final ModelInput CNN = ModelInput.of(DIGITS.resolve("cnn.traced.pt"));
  private static final QuantizationConfig CONFIG =
      QuantizationConfig.builder().option("mode", "dynamic").option("small", "0").build();
  private static final OptionalDouble NONE = OptionalDouble.empty();

  @TempDir private Path folder;

  private static TuneOptions cosine(double target, long runs) {
    return new TuneOptions(
        CONFIG,
        OptionalDouble.of(target),
        NONE,
        NONE,
        OptionalLong.of(runs),
        OptionalLong.empty(),
        OptionalLong.empty());
  }

  private static Quantizer quantizer(NDManager manager) throws Exception {
    try (SafetensorsFile samples =
        SafetensorsFile.open(DIGITS.resolve("cnn.test.safetensors"), "test", ReadLimits.DEFAULT)) {
      float[] images = Arrays.copyOf(PlainCnn.floats(samples, "inputs"), 16 * 64);
      return Quantizer.create()
          .withSamples(
              List.of(SampleInputs.of(new NDList(manager.create(images, new Shape(16, 1, 8, 8))))));
    }
  }

  @Test
  void theResultMeetsTheTargetAndIsARecipe() throws Exception {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      int before = LiveArrays.count();
      Quantizer quantizer = quantizer(manager);
      int samples = LiveArrays.count() - before;
      TuneReport report = quantizer.tune(CNN, cosine(0.9995, 100));
      assertThat(LiveArrays.count()).isEqualTo(before + samples);
      assertThat(report.chosen().measured().orElseThrow()).isGreaterThanOrEqualTo(0.9995);
      assertThat(report.chosen().bits()).isLessThan(9);
      assertThat(report.families()).hasSize(4);
      assertThat(report.curve()).hasSizeGreaterThan(4).contains(report.chosen());
      assertThat(Recipe.parse(Recipe.toTree(report.config()), "tuned")).isEqualTo(report.config());
      Report made = quantizer.quantize(CNN, report.config(), folder.resolve("made.pt"), false);
      assertThat(made.run().orElseThrow().others().get(0).floats().cosine())
          .isEqualTo(report.chosen().measured().orElseThrow());
      assertThat(quantizer.tune(CNN, cosine(0.9995, 100))).isEqualTo(report);
    }
  }

  private static TuneOptions bits(double target, long runs) {
    return new TuneOptions(
        CONFIG,
        NONE,
        NONE,
        OptionalDouble.of(target),
        OptionalLong.of(runs),
        OptionalLong.empty(),
        OptionalLong.empty());
  }

  /** Of a budget each layer gets a share, the largest first, and bytes are bounded. */
  @Test
  void aBudgetIsSpreadOverTheLayersAndBytesAreBounded() throws Exception {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      Quantizer quantizer = quantizer(manager);
      TuneReport report = quantizer.tune(CNN, bits(5.5, 6));
      assertThat(report.chosen().bits()).isLessThanOrEqualTo(5.5);
      assertThat(report.chosen().measured().orElseThrow()).isGreaterThan(0.99);
      assertThat(report.notes())
          .singleElement(as(STRING))
          .matches("6 of \\d+ options were measured, since the budget was spent");
      TuneReport less = quantizer.tune(CNN, bits(9, 2));
      assertThat(less.chosen().bits()).isLessThanOrEqualTo(9);
      assertThat(less.notes())
          .hasSize(2)
          .contains(
              "left in float, since no option of theirs was measured: 2 of 4 layers or families,"
                  + " the smallest ones: features.0, classifier.4");
      assertThatThrownBy(() -> quantizer.tune(CNN, bits(1, 6)))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("cannot be met");
    }
  }

  /** A directory is its files; passes are counted, and only those that the budget allows. */
  @Test
  void samplesOfADirectoryAreLimitedAndPassesAreCounted() throws Exception {
    Path samples = Files.createDirectory(folder.resolve("samples"));
    for (int i = 0; i < 3; i++) {
      Files.copy(DIGITS.resolve("cnn.test.safetensors"), samples.resolve(i + ".safetensors"));
    }
    Files.writeString(samples.resolve("README.txt"), "three times the same");
    List<long[]> told = new ArrayList<>();
    Quantizer quantizer =
        Quantizer.create()
            .withSamples(List.of(SampleInputs.of(samples)))
            .withProgress(
                (stage, done, total, subject) -> {
                  if (stage == Progress.Stage.OBSERVING) {
                    told.add(new long[] {done, total});
                  }
                });
    TuneOptions options =
        new TuneOptions(
            CONFIG,
            NONE,
            NONE,
            OptionalDouble.of(31.96),
            OptionalLong.of(3),
            OptionalLong.empty(),
            OptionalLong.of(2));
    TuneReport report = quantizer.tune(CNN, options);
    // Three options and the chosen model, on two files each.
    assertThat(told.get(told.size() - 1)).containsExactly(8, 8);
    assertThat(told.stream().map(t -> t[0]).distinct().filter(done -> done % 2 == 1)).hasSize(4);
    assertThat(told).isSortedAccordingTo(Comparator.comparingDouble(t -> (double) t[0] / t[1]));
    Path one = samples.resolve("0.safetensors");
    Quantizer file = Quantizer.create().withSamples(List.of(SampleInputs.of(one)));
    // The cosine over the same inputs twice is the same but for the order of the sum.
    assertThat(file.tune(CNN, options).chosen().measured().orElseThrow())
        .isCloseTo(report.chosen().measured().orElseThrow(), within(1e-12));
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertThatThrownBy(
            () -> quantizer.withSamples(List.of(SampleInputs.of(empty))).tune(CNN, options))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("there are no samples in it");
  }

  /** An excluded layer stays in float, in the recipe, too. */
  @Test
  void excludedLayersAreLeftAlone() throws Exception {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      QuantizationConfig config =
          QuantizationConfig.builder()
              .option("small", "0")
              .rule(Rule.exclude("features.*"))
              .rule(Rule.exclude("classifier.4"))
              .build();
      TuneOptions options =
          new TuneOptions(
              config,
              OptionalDouble.of(0.9),
              NONE,
              NONE,
              OptionalLong.of(6),
              OptionalLong.empty(),
              OptionalLong.empty());
      Quantizer quantizer = quantizer(manager);
      TuneReport report = quantizer.tune(CNN, options);
      assertThat(report.families()).hasSize(1);
      assertThat(quantizer.quantize(CNN, report.config(), folder.resolve("x.pt"), false).weights())
          .extracting(w -> w.planned().weight().name())
          .containsExactly("classifier.1.weight");
    }
  }

  /** The second option is compared with what the original returned, not with what it holds now. */
  @Test
  void outputsThatTheNextCallChangesAreKept() throws Exception {
    Path model = Path.of("src", "test", "resources", "torchscript", "running-sum.pt");
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      SampleInputs ones = SampleInputs.of(new NDList(manager.ones(new Shape(2, 64))));
      SampleInputs opposite = SampleInputs.of(new NDList(manager.ones(new Shape(2, 64)).neg()));
      Quantizer quantizer = Quantizer.create().withSamples(List.of(ones, opposite));
      TuneReport report = quantizer.tune(ModelInput.of(model), cosine(0.9, 100));
      assertThat(report.chosen().measured().orElseThrow()).isBetween(0.9, 1.0);
      assertThat(report.chosen().bits()).isLessThan(9);
    }
  }

  /** What the recipe quantizes is what the report says, whatever the layers are called. */
  @Test
  void theRecipeQuantizesTheChosenLayersAndNoOthers() throws Exception {
    Path models = Path.of("src", "test", "resources", "torchscript");
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      NDList numbers = new NDList(manager.arange(4 * 64).reshape(4, 64).toType(FLOAT32, false));
      Quantizer columns = Quantizer.create().withSamples(List.of(SampleInputs.of(numbers)));
      for (int runs = 0; runs <= 12; runs += 3) {
        requireChosen(columns, ModelInput.of(models.resolve("linear.pt")), runs);
        requireChosen(columns, ModelInput.of(models.resolve("layer-named-linear.pt")), runs);
      }
      requireChosen(quantizer(manager), CNN, 0);
    }
  }

  private void requireChosen(Quantizer quantizer, ModelInput model, int runs) throws Exception {
    TuneReport report = quantizer.tune(model, cosine(0.9, runs));
    Set<String> chosen = new TreeSet<>();
    for (TuneReport.Chosen family : report.families()) {
      if (!family.option().equals("float")) {
        family
            .layers()
            .forEach(layer -> chosen.add(layer.isEmpty() ? "weight" : layer + ".weight"));
      }
    }
    Path target = folder.resolve("made.pt");
    if (chosen.isEmpty()) {
      assertThatThrownBy(() -> quantizer.quantize(model, report.config(), target, true))
          .isInstanceOf(PlanException.class)
          .hasMessageContaining("no weight would be quantized");
      return;
    }
    Report made = quantizer.quantize(model, report.config(), target, true);
    assertThat(made.weights())
        .as("%s with %d runs", model.describe(), runs)
        .extracting(w -> w.planned().weight().name())
        .containsExactlyInAnyOrderElementsOf(chosen);
  }

  @Test
  void oneTargetIsNeeded() {
    OptionalDouble some = OptionalDouble.of(0.5);
    assertThatThrownBy(
            () ->
                new TuneOptions(
                    CONFIG,
                    some,
                    some,
                    NONE,
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty()))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("one is needed");
    assertThatThrownBy(
            () ->
                new TuneOptions(
                    CONFIG,
                    OptionalDouble.of(1.5),
                    NONE,
                    NONE,
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty()))
        .isInstanceOf(ConfigurationException.class);
  }
}

package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.ValidationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.hand.QuantizedModel;
import dev.monoquant.core.report.Report;
import dev.monoquant.testkit.fakes.LiveArrays;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A live TorchScript model in, a live quantized one out. */
class LiveScriptTest {

  private static final Path CNN = Path.of("src", "test", "resources", "digits", "cnn.traced.pt");

  private static final QuantizationConfig ALL =
      QuantizationConfig.builder().option("small", "0").build();

  private static final QuantizationConfig NAMED =
      QuantizationConfig.builder().format("torchscript").option("small", "0").build();

  private static Model load() throws Exception {
    Model model = Model.newInstance("cnn", Device.cpu(), "PyTorch");
    model.load(CNN);
    return model;
  }

  private static float[] run(Model model, NDArray input) {
    try (NDManager scope = input.getManager().newSubManager()) {
      NDList outputs =
          model
              .getBlock()
              .forward(new ParameterStore(model.getNDManager(), false), new NDList(input), false);
      outputs.attach(scope);
      return outputs.get(0).toFloatArray();
    }
  }

  @Test
  void aNewModelIsMadeAndTheOldOneStays() throws Exception {
    List<Report> reports = new ArrayList<>();
    try (NDManager manager = NDManager.newBaseManager(Device.cpu());
        Model model = load()) {
      NDArray input = manager.randomUniform(0, 1, new Shape(4, 1, 8, 8));
      float[] before = run(model, input);
      try (Model quantized =
          Quantizer.create()
              .withSamples(List.of(SampleInputs.of(new NDList(input))))
              .quantize(model, ALL, reports::add)) {
        assertThat(quantized.getName()).isEqualTo(model.getName());
        float[] after = run(quantized, input);
        assertThat(after).isNotEqualTo(before);
        for (int i = 0; i < after.length; i++) {
          assertThat(after[i]).isCloseTo(before[i], Offset.offset(0.5f));
        }
      }
      assertThat(run(model, input)).isEqualTo(before);
      assertThat(reports).hasSize(1);
      assertThat(reports.get(0).weights()).hasSize(4);
      assertThat(reports.get(0).run()).hasValueSatisfying(r -> assertThat(r.models()).hasSize(2));
    }
  }

  @Test
  void aResultAtHandIsSavedAsAnArchiveThatRuns(@TempDir Path folder) throws Exception {
    Path made = folder.resolve("made.pt");
    Set<String> files = temporaryFiles();
    try (NDManager manager = NDManager.newBaseManager(Device.cpu());
        Model model = load()) {
      NDArray input = manager.randomUniform(0, 1, new Shape(4, 1, 8, 8));
      Quantizer quantizer =
          Quantizer.create().withSamples(List.of(SampleInputs.of(new NDList(input))));
      try (QuantizedModel quantized = quantizer.quantizeWeights(model, NAMED)) {
        quantized.save(made);
      }
      try (QuantizedModel quantized = quantizer.withMinCosine(1).quantizeWeights(model, NAMED)) {
        assertThatThrownBy(() -> quantized.save(folder.resolve("other.pt")))
            .isInstanceOf(ValidationException.class)
            .hasMessageContaining("the cosine between its outputs");
      }
      float[] before = run(model, input);
      try (Model saved = Model.newInstance("cnn", Device.cpu(), "PyTorch")) {
        saved.load(made);
        float[] after = run(saved, input);
        assertThat(after).isNotEqualTo(before);
        for (int i = 0; i < after.length; i++) {
          assertThat(after[i]).isCloseTo(before[i], Offset.offset(0.5f));
        }
      }
    }
    assertThat(folder.toFile().list()).containsExactly("made.pt");
    assertNoneLeftBut(files);
  }

  @Test
  void nothingIsLeftOpenOrBehind() throws Exception {
    Quantizer quantizer = Quantizer.create();
    try (Model model = load()) {
      quantizer.quantize(model).close();
      Set<String> files = temporaryFiles();
      int arrays = LiveArrays.count();
      for (int i = 0; i < 3; i++) {
        quantizer.quantize(model).close();
      }
      assertThat(LiveArrays.count()).isEqualTo(arrays);
      assertNoneLeftBut(files);
    }
  }

  /** Temporary files, but for those of tuning and calibrating, which tests beside these may do. */
  private static Set<String> temporaryFiles() {
    String[] names = new File(System.getProperty("java.io.tmpdir")).list();
    return Arrays.stream(names)
        .filter(n -> n.startsWith("monoquant"))
        .filter(n -> !n.startsWith("monoquant-tune-") && !n.startsWith("monoquant-observe-"))
        .collect(Collectors.toSet());
  }

  /** Other processes have files in the same folder for a while; what is left behind stays. */
  private static void assertNoneLeftBut(Set<String> before) throws InterruptedException {
    Set<String> more = temporaryFiles();
    more.removeAll(before);
    for (int i = 0; i < 300 && !more.isEmpty(); i++) {
      Thread.sleep(100);
      more.retainAll(temporaryFiles());
    }
    assertThat(more).isEmpty();
  }

  @Test
  void whatDoesNotRunIsNotMade() throws Exception {
    try (Model model = load()) {
      assertThatThrownBy(
              () -> Quantizer.create().withMinCosine(1).quantize(model, ALL, report -> {}))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("the cosine between its outputs");
      assertThatThrownBy(
              () ->
                  Quantizer.create()
                      .quantize(
                          model,
                          QuantizationConfig.builder().format("safetensors").build(),
                          report -> {}))
          .isInstanceOf(ConfigurationException.class)
          .hasMessageContaining("cannot be run");
    }
  }
}

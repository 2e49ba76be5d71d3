package dev.monoquant.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import dev.monoquant.ConfigurationException;
import dev.monoquant.OutputException;
import dev.monoquant.PlanException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Selector;
import dev.monoquant.ValidationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.CalibrationOptions;
import dev.monoquant.core.control.CalibrationOptions.Range;
import dev.monoquant.core.control.Cancellation;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.CalibrationReport;
import dev.monoquant.core.report.Report;
import dev.monoquant.files.manifest.Sha256;
import dev.monoquant.files.safetensors.SafetensorsFile;
import dev.monoquant.files.safetensors.StoredTensor;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadLimits;
import dev.monoquant.testkit.fakes.LiveArrays;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Statistics of the inputs of layers, collected while real models run. */
class CalibrateTest {

  private static final Path DIGITS = Path.of("src", "test", "resources", "digits");
  private static final Path CNN = DIGITS.resolve("cnn.traced.pt");
  private static final Path SAMPLES = DIGITS.resolve("cnn.test.safetensors");
  private static final List<String> LAYERS =
      List.of("features.0", "features.3", "classifier.1", "classifier.4");
  private static final CalibrationOptions GRAM =
      CalibrationOptions.DEFAULT.withProducts(List.of(Selector.parse("*")));

  @TempDir private Path folder;

  private static Quantizer quantizer(Path... samples) {
    return Quantizer.create().withSamples(Arrays.stream(samples).map(SampleInputs::of).toList());
  }

  private CalibrationReport calibrate(CalibrationOptions options, String name) {
    return quantizer(SAMPLES).calibrate(ModelInput.of(CNN), options, folder.resolve(name), false);
  }

  private SafetensorsFile open(String name) throws IOException {
    return SafetensorsFile.open(folder.resolve(name), name, ReadLimits.DEFAULT);
  }

  private static long count(SafetensorsFile file, String name) throws IOException {
    StoredTensor tensor = file.find(name).orElseThrow();
    return file.read(tensor, 0, Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).getLong();
  }

  @Test
  void statisticsAreThoseOfThePlainReference() throws IOException {
    calibrate(GRAM.withMostCalls(1).withBatch(60), "cnn.calibration.safetensors");
    try (SafetensorsFile file = open("cnn.calibration.safetensors");
        SafetensorsFile weights =
            SafetensorsFile.open(DIGITS.resolve("cnn.safetensors"), "weights", ReadLimits.DEFAULT);
        SafetensorsFile samples = SafetensorsFile.open(SAMPLES, "samples", ReadLimits.DEFAULT)) {
      PlainCnn cnn = new PlainCnn(weights);
      float[] images = PlainCnn.floats(samples, "inputs");
      double[][] squares = new double[LAYERS.size()][];
      double[][] products = new double[LAYERS.size()][];
      double[] least = new double[LAYERS.size()];
      double[] greatest = new double[LAYERS.size()];
      double[][] lows = new double[LAYERS.size()][];
      double[][] highs = new double[LAYERS.size()][];
      long[] counts = new long[LAYERS.size()];
      for (int image = 0; image < 60; image++) {
        List<double[][]> all = cnn.rows(images, image);
        for (int layer = 0; layer < LAYERS.size(); layer++) {
          for (double[] row : all.get(layer)) {
            if (squares[layer] == null) {
              squares[layer] = new double[row.length];
              products[layer] = new double[row.length * row.length];
              lows[layer] = row.clone();
              highs[layer] = row.clone();
            }
            counts[layer]++;
            for (int i = 0; i < row.length; i++) {
              squares[layer][i] += row[i] * row[i];
              lows[layer][i] = Math.min(lows[layer][i], row[i]);
              highs[layer][i] = Math.max(highs[layer][i], row[i]);
              least[layer] = Math.min(least[layer], row[i]);
              greatest[layer] = Math.max(greatest[layer], row[i]);
              for (int j = 0; j < row.length && row[i] != 0; j++) {
                products[layer][i * row.length + j] += row[i] * row[j];
              }
            }
          }
        }
      }
      for (int layer = 0; layer < LAYERS.size(); layer++) {
        String name = LAYERS.get(layer);
        assertThat(count(file, name + ".count")).isEqualTo(counts[layer]);
        assertThat((double) PlainCnn.floats(file, name + ".xmin")[0])
            .isCloseTo(least[layer], within(1e-5));
        assertThat((double) PlainCnn.floats(file, name + ".xmax")[0])
            .isCloseTo(greatest[layer], within(1e-5 * greatest[layer]));
        assertEnds(PlainCnn.floats(file, name + ".cmin"), lows[layer]);
        assertEnds(PlainCnn.floats(file, name + ".cmax"), highs[layer]);
        assertMeans(PlainCnn.floats(file, name + ".x2"), squares[layer], counts[layer]);
        assertMeans(PlainCnn.floats(file, name + ".h"), products[layer], counts[layer]);
      }
    }
  }

  private static void assertEnds(float[] ends, double[] expected) {
    assertThat(ends).hasSize(expected.length);
    for (int c = 0; c < ends.length; c++) {
      assertThat((double) ends[c])
          .isCloseTo(expected[c], within(1e-5 * (1 + Math.abs(expected[c]))));
    }
  }

  private static void assertMeans(float[] means, double[] sums, long count) {
    assertThat(means).hasSize(sums.length);
    for (int i = 0; i < means.length; i++) {
      double mean = sums[i] / count;
      assertThat((double) means[i]).isCloseTo(mean, within(1e-5 + 1e-5 * mean));
    }
  }

  @Test
  void filesOfOthersStay() throws IOException {
    Path other = Files.writeString(folder.resolve("c.safetensors.part"), "of another program");
    calibrate(CalibrationOptions.DEFAULT.withMostCalls(1), "c.safetensors");
    assertThat(other).hasContent("of another program");
    assertThat(folder.toFile().list())
        .containsExactlyInAnyOrder("c.safetensors", "c.safetensors.part");
  }

  @Test
  void passesAndAnInterruptionLeaveTheSameBytes() throws IOException {
    CalibrationOptions options = GRAM.withBatch(100).withRange(Range.HISTOGRAM);
    assertThat(calibrate(options, "two").passes()).isEqualTo(2);
    byte[] two = Files.readAllBytes(folder.resolve("two"));
    CalibrationReport split = calibrate(options.withProductBytes(1 << 17), "split");
    assertThat(split.passes()).isEqualTo(4);
    assertThat(Files.readAllBytes(folder.resolve("split"))).isEqualTo(two);

    Path target = folder.resolve("resumed");
    Cancellation cancellation = new Cancellation();
    Quantizer stopped =
        quantizer(SAMPLES)
            .withCancellation(cancellation)
            .withProgress(
                (stage, done, total, subject) -> {
                  if (subject.equals("call 3")) {
                    cancellation.cancel();
                  }
                });
    assertThatThrownBy(() -> stopped.calibrate(ModelInput.of(CNN), options, target, false))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(target).doesNotExist();
    assertThat(folder.resolve("resumed.progress")).isNotEmptyDirectory();
    assertThatThrownBy(() -> calibrate(options.withResume(true).withBatch(99), "resumed"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--resume");
    calibrate(options.withResume(true), "resumed");
    assertThat(Files.readAllBytes(target)).isEqualTo(two);
    assertThat(folder.resolve("resumed.progress")).doesNotExist();
  }

  @Test
  void hashesAreInsideAndNoArrayStaysOpen() throws IOException {
    int before = LiveArrays.count();
    calibrate(CalibrationOptions.DEFAULT, "cnn");
    assertThat(LiveArrays.count()).isEqualTo(before);
    try (SafetensorsFile file = open("cnn")) {
      assertThat(file.metadata())
          .containsEntry("monoquant.calibration", "1")
          .containsEntry("monoquant.calibration.model", Sha256.of(Files.readAllBytes(CNN)))
          .containsEntry(
              "monoquant.calibration.samples",
              "{\"cnn.test.safetensors\":\"" + Sha256.of(Files.readAllBytes(SAMPLES)) + "\"}")
          .containsEntry("monoquant.calibration.count", "1")
          .containsEntry("monoquant.calibration.observer", "static_minmax");
    }
  }

  @Test
  void samplesOfTheSameNameAreAllHashed() throws IOException {
    Path other = Files.createDirectories(folder.resolve("b")).resolve(SAMPLES.getFileName());
    Files.copy(SAMPLES, other);
    quantizer(SAMPLES, other)
        .calibrate(ModelInput.of(CNN), CalibrationOptions.DEFAULT, folder.resolve("cnn"), false);
    String hash = Sha256.of(Files.readAllBytes(SAMPLES));
    try (SafetensorsFile file = open("cnn")) {
      assertThat(file.metadata())
          .containsEntry(
              "monoquant.calibration.samples",
              "{\"cnn.test.safetensors\":\""
                  + hash
                  + "\",\"cnn.test.safetensors (2)\":\""
                  + hash
                  + "\"}");
    }
  }

  @Test
  void aLiveModelIsObservedAsItsFileIs() throws Exception {
    calibrate(GRAM, "file");
    try (Model model = Model.newInstance("cnn", Device.cpu(), "PyTorch")) {
      model.load(CNN);
      quantizer(SAMPLES).calibrate(ModelInput.of(model), GRAM, folder.resolve("live"), false);
    }
    try (SafetensorsFile file = open("file");
        SafetensorsFile live = open("live")) {
      for (StoredTensor tensor : file.tensors()) {
        StoredTensor other = live.find(tensor.name()).orElseThrow();
        assertThat(live.read(other, 0, (int) other.bytes()))
            .isEqualTo(file.read(tensor, 0, (int) tensor.bytes()));
      }
    }
  }

  @Test
  void aDirectoryOfSamplesIsRunInTheOrderOfNames() throws IOException {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      for (int i = 1; i <= 3; i++) {
        try (OutputStream out =
            Files.newOutputStream(
                Files.createDirectories(folder.resolve("in")).resolve(i + ".npz"))) {
          new NDList(manager.full(new Shape(2, 1, 8, 8), (float) i))
              .encode(out, NDList.Encoding.NPZ);
        }
      }
    }
    Path target = folder.resolve("average");
    CalibrationReport report =
        quantizer(folder.resolve("in"))
            .calibrate(
                ModelInput.of(CNN),
                CalibrationOptions.DEFAULT.withRange(Range.MINMAX),
                target,
                false);
    assertThat(report.calls()).isEqualTo(3);
    try (SafetensorsFile file = open("average")) {
      double average = 1 + 0.01 * (2 - 1);
      average += 0.01 * (3 - average);
      assertThat(PlainCnn.floats(file, "features.0.xmin")[0]).isEqualTo((float) average);
      assertThat(PlainCnn.floats(file, "features.0.xmax")[0]).isEqualTo((float) average);
      assertThat(count(file, "features.0.count")).isEqualTo(3 * 2 * 64);
    }
  }

  @Test
  void lookUpsOfATableAreCounted() throws IOException {
    Path model = DIGITS.resolve("transformer.traced.pt");
    Path samples = DIGITS.resolve("transformer.test.safetensors");
    CalibrationReport report =
        quantizer(samples)
            .calibrate(
                ModelInput.of(model), CalibrationOptions.DEFAULT, folder.resolve("t"), false);
    assertThat(report.leftOut()).isEmpty();
    try (SafetensorsFile file = open("t");
        SafetensorsFile inputs = SafetensorsFile.open(samples, "samples", ReadLimits.DEFAULT)) {
      StoredTensor ids =
          inputs.tensors().stream()
              .filter(t -> t.name().startsWith("input"))
              .findFirst()
              .orElseThrow();
      long[] expected = new long[17];
      var numbers =
          inputs.read(ids, 0, (int) ids.bytes()).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer();
      while (numbers.hasRemaining()) {
        expected[(int) numbers.get()]++;
      }
      StoredTensor looks = file.find("embed.lookups").orElseThrow();
      long[] found = new long[17];
      file.read(looks, 0, (int) looks.bytes())
          .order(ByteOrder.LITTLE_ENDIAN)
          .asLongBuffer()
          .get(found);
      assertThat(found).isEqualTo(expected);
    }
  }

  /** Nothing is left of a run that found nothing, not even its sums. */
  @Test
  void samplesWithoutFiniteNumbersAreRefused() throws IOException {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      NDArray nan = manager.ones(new Shape(2, 1, 8, 8)).mul(Float.NaN);
      NDArray none = manager.create(new Shape(0, 1, 8, 8));
      for (NDArray images : List.of(nan, none)) {
        Quantizer quantizer =
            Quantizer.create().withSamples(List.of(SampleInputs.of(new NDList(images))));
        assertThatThrownBy(
                () ->
                    quantizer.calibrate(
                        ModelInput.of(CNN), CalibrationOptions.DEFAULT, folder.resolve("c"), false))
            .isInstanceOf(ValidationException.class)
            .hasMessageContaining("no layer got finite numbers from the samples, which are empty");
        assertThat(folder).isEmptyDirectory();
      }
    }
  }

  @Test
  void numbersThatAreNotFiniteAreLeftOutAndSaid() throws IOException {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      NDArray images = manager.ones(new Shape(4, 1, 8, 8));
      images.set(new ai.djl.ndarray.index.NDIndex("1, 0, 3, 3"), Float.NaN);
      Quantizer quantizer =
          Quantizer.create().withSamples(List.of(SampleInputs.of(new NDList(images))));
      CalibrationReport report =
          quantizer.calibrate(
              ModelInput.of(CNN),
              CalibrationOptions.DEFAULT.withBatch(1),
              folder.resolve("nan"),
              false);
      assertThat(report.layers()).hasSize(4);
      assertThat(report.layers()).allSatisfy(l -> assertThat(l.leftOut()).isEqualTo(1));
      assertThat(report.layers().get(0).rows()).isEqualTo(3 * 64);
      assertThat(report.toTable()).contains("features.0: 1 input with NaN or infinities left out");
      assertThatThrownBy(
              () ->
                  quantizer.calibrate(
                      ModelInput.of(CNN),
                      CalibrationOptions.DEFAULT,
                      folder.resolve("none"),
                      false))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("nothing was written");
      assertThat(folder.resolve("none")).doesNotExist();
    }
  }

  @Test
  void wrongUseIsRefusedBeforeAnythingRuns() throws IOException {
    CalibrationOptions options = CalibrationOptions.DEFAULT;
    assertThatThrownBy(
            () -> quantizer().calibrate(ModelInput.of(CNN), options, folder.resolve("x"), false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("--sample");
    assertThatThrownBy(
            () -> calibrate(options.withLayers(List.of(Selector.parse("features.9"))), "x"))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("features.9");
    Path model = Files.copy(CNN, folder.resolve("model.pt"));
    assertThatThrownBy(
            () -> quantizer(SAMPLES).calibrate(ModelInput.of(model), options, model, true))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("holds no calibration");
    assertThat(model).hasSameBinaryContentAs(CNN);
    assertThatThrownBy(
            () ->
                quantizer(folder)
                    .calibrate(ModelInput.of(CNN), options, folder.resolve("x"), false))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("no samples in it");
    calibrate(options, "x");
    assertThatThrownBy(() -> calibrate(options, "x"))
        .isInstanceOf(OutputException.class)
        .hasMessageContaining("--force");
  }

  private static QuantizationConfig config(String mode) {
    return QuantizationConfig.builder().option("mode", mode).option("small", "0").build();
  }

  /** Accuracy on the test images, of all of them and of halves of the batch. */
  @Test
  void staticRangesKeepTheAccuracy() throws Exception {
    calibrate(CalibrationOptions.DEFAULT, "cnn");
    Path made = folder.resolve("static.pt");
    Quantizer quantizer = quantizer(SAMPLES);
    String digest;
    try (Calibration calibration = quantizer.openCalibration(folder.resolve("cnn"))) {
      digest = calibration.digest();
      Report report =
          quantizer
              .withCalibration(calibration)
              .quantize(ModelInput.of(CNN), config("static"), made, false);
      assertThat(report.run().orElseThrow().others().get(0).outputs().cosine())
          .isGreaterThan(0.999);
    }
    try (ZipFile zip = new ZipFile(made.toFile())) {
      String manifest =
          new String(
              zip.getInputStream(
                      zip.stream()
                          .filter(e -> e.getName().endsWith("extra/monoquant-manifest.json"))
                          .findFirst()
                          .orElseThrow())
                  .readAllBytes(),
              StandardCharsets.UTF_8);
      assertThat(manifest).contains(digest);
    }
    try (NDManager manager = NDManager.newBaseManager(Device.cpu());
        SafetensorsFile samples = SafetensorsFile.open(SAMPLES, "samples", ReadLimits.DEFAULT)) {
      StoredTensor stored = samples.find("labels").orElseThrow();
      long[] labels = new long[(int) (stored.bytes() / Long.BYTES)];
      samples
          .read(stored, 0, (int) stored.bytes())
          .order(ByteOrder.LITTLE_ENDIAN)
          .asLongBuffer()
          .get(labels);
      NDArray images =
          manager.create(PlainCnn.floats(samples, "inputs"), new Shape(labels.length, 1, 8, 8));
      float[] all = outputs(made, images);
      double original = accuracy(outputs(CNN, images), labels);
      assertThat(accuracy(all, labels)).isGreaterThan(original - 0.005);
      float[] some = outputs(made, images.get("100:300"));
      assertThat(some).isEqualTo(Arrays.copyOfRange(all, 1000, 3000));
    }
  }

  private static float[] outputs(Path file, NDArray images) throws Exception {
    try (Model model = Model.newInstance("model", Device.cpu(), "PyTorch");
        NDManager scope = images.getManager().newSubManager()) {
      model.load(file);
      NDList outputs =
          model.getBlock().forward(new ParameterStore(scope, false), new NDList(images), false);
      outputs.attach(scope);
      return outputs.head().toFloatArray();
    }
  }

  private static double accuracy(float[] logits, long[] labels) {
    int right = 0;
    for (int i = 0; i < labels.length; i++) {
      int best = 0;
      for (int c = 1; c < 10; c++) {
        best = logits[10 * i + c] > logits[10 * i + best] ? c : best;
      }
      right += best == labels[i] ? 1 : 0;
    }
    return (double) right / labels.length;
  }

  @Test
  void staticRangesNeedACalibrationThatHasThem() {
    Path made = folder.resolve("made.pt");
    assertThatThrownBy(
            () -> quantizer(SAMPLES).quantize(ModelInput.of(CNN), config("static"), made, false))
        .isInstanceOf(PlanException.class)
        .hasMessageContaining("--calibration");
    calibrate(CalibrationOptions.DEFAULT.withLayers(List.of(Selector.parse("features.*"))), "some");
    Quantizer quantizer = quantizer(SAMPLES);
    try (Calibration calibration = quantizer.openCalibration(folder.resolve("some"))) {
      Report report =
          quantizer
              .withCalibration(calibration)
              .quantize(ModelInput.of(CNN), config("static"), made, false);
      assertThat(report.problems())
          .anyMatch(p -> p.toString().contains("has no range of its inputs"))
          .anyMatch(p -> p.toString().contains("classifier.1.weight"));
    }
  }
}

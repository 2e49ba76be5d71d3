package dev.monoquant.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoopTranslator;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Traced archives of a GPT-2 of two blocks, from transformers, and of a residual network go through
 * calibrate, quantize and tune, and DJL runs the results without this library.
 */
class TracedArchitecturesTest {

  static final Path GPT2 =
      Path.of("..", "quant-script", "src", "test", "resources")
          .resolve("dev/monoquant/script/gpt2-traced.pt");

  static final Path FOLDER = Path.of("src", "test", "resources", "traced");

  @TempDir private Path dir;
  private final InProcess quant = new InProcess();

  /** Tokens that no sample has in this order. */
  private static NDList tokens(NDManager manager) {
    long[] ids = new long[3 * 9];
    Random random = new Random(4);
    for (int i = 0; i < ids.length; i++) {
      ids[i] = random.nextInt(120);
    }
    return new NDList(manager.create(ids, new Shape(3, 9)));
  }

  private static NDList images(NDManager manager) {
    float[] pixels = new float[3 * 3 * 16 * 16];
    Random random = new Random(4);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextGaussian();
    }
    return new NDList(manager.create(pixels, new Shape(3, 3, 16, 16)));
  }

  @Test
  void gpt2() throws Exception {
    Path samples = Files.copy(FOLDER.resolve("gpt2.safetensors"), dir.resolve("s.safetensors"));
    List<String> int4 = List.of("--scheme", "int4", "--granularity", "group:32");
    List<String> gptq = new ArrayList<>(int4);
    gptq.addAll(List.of("--option", "method=gptq", "--option", "search=grid"));
    double calibrated = through(GPT2, samples, gptq, TracedArchitecturesTest::tokens);
    assertThat(calibrated).isGreaterThan(0.99);
    assertThat(quantized(GPT2, int4, TracedArchitecturesTest::tokens)).isLessThan(calibrated);
  }

  @Test
  void residualNetwork() throws Exception {
    Path samples = Files.copy(FOLDER.resolve("resnet.safetensors"), dir.resolve("s.safetensors"));
    Path model = FOLDER.resolve("resnet.pt");
    List<String> fixed = List.of("--option", "mode=static");
    assertThat(through(model, samples, fixed, TracedArchitecturesTest::images))
        .isGreaterThan(0.998);
  }

  /** Calibrates, quantizes and tunes; the result is the cosine of what was calibrated. */
  private double through(
      Path model, Path samples, List<String> how, Function<NDManager, NDList> inputs)
      throws Exception {
    Path statistics = dir.resolve("c.safetensors");
    run("calibrate", model, "--sample", samples, "--gram", "*", "-o", statistics);
    List<String> calibrated = new ArrayList<>(how);
    calibrated.addAll(List.of("--calibration", statistics.toString()));
    double cosine = quantized(model, calibrated, inputs);

    Path tuned = dir.resolve("tuned.pt");
    run(
        "tune",
        model,
        "--sample",
        samples,
        "--target-cosine",
        "0.998",
        "--option",
        "small=0",
        "--max-runs",
        "12",
        "--apply",
        tuned);
    float[] original = outputs(model, inputs);
    assertThat(cosine(outputs(tuned, inputs), original)).isBetween(0.99, 1 - 1e-7);
    return cosine;
  }

  private double quantized(Path model, List<String> how, Function<NDManager, NDList> inputs)
      throws Exception {
    Path small = dir.resolve("small.pt");
    List<Object> arguments = new ArrayList<>(List.of("quantize", model, "-o", small, "--force"));
    arguments.addAll(List.of("--option", "small=0", "--no-run"));
    arguments.addAll(how);
    run(arguments.toArray());
    return cosine(outputs(small, inputs), outputs(model, inputs));
  }

  private void run(Object... arguments) {
    assertThat(quant.run(arguments)).as(quant.err()).isZero();
  }

  /** What the PyTorch engine of DJL makes of a file. */
  private static float[] outputs(Path file, Function<NDManager, NDList> inputs) throws Exception {
    try (Model model = Model.newInstance("model", "PyTorch")) {
      Path absolute = file.toAbsolutePath().normalize();
      model.load(absolute.getParent(), String.valueOf(absolute.getFileName()));
      try (NDManager manager = NDManager.newBaseManager();
          var predictor = model.newPredictor(new NoopTranslator())) {
        NDArray first = predictor.predict(inputs.apply(manager)).get(0);
        return first.toType(DataType.FLOAT32, false).toFloatArray();
      }
    }
  }

  private static double cosine(float[] a, float[] b) {
    assertThat(a).hasSameSizeAs(b);
    double product = 0;
    double squares = 0;
    double others = 0;
    for (int i = 0; i < a.length; i++) {
      product += a[i] * (double) b[i];
      squares += a[i] * (double) a[i];
      others += b[i] * (double) b[i];
    }
    return product / Math.sqrt(squares * others);
  }
}

package dev.monoquant.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.SampleInputs;
import dev.monoquant.core.report.RunComparison;
import dev.monoquant.core.report.RunResult;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Speed, sizes and errors of TorchScript models before and after, in every mode: made with random
 * weights, rewritten, and run in turns in one process on one thread. Also times libtorch's own
 * kernels at the same shapes: the greatest possible speed-up, and the part of it that is reached.
 */
@Command(
    name = "script-speed",
    mixinStandardHelpOptions = true,
    description = "Rewrites TorchScript models in every mode and runs them beside the originals.")
public final class ScriptSpeed implements Callable<Integer> {

  private static final List<String> MODES =
      List.of("weight-only", "dynamic", "dynamic-row", "dynamic-row-asymmetric");

  /** A commonly deployed model, by its name on the command line. */
  private enum Case {
    BERT,
    LINEAR,
    LINEAR3,
    CONV
  }

  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--dir", required = true, description = "Where the files go; made if missing.")
  private Path dir = Path.of("");

  @Option(
      names = "--model",
      description = "Only this: ${COMPLETION-CANDIDATES}; may be repeated. All by default.")
  private List<Case> cases = List.of(Case.values());

  @Option(names = "--width", description = "Of the linear layers. Default: ${DEFAULT-VALUE}.")
  private int width = 4096;

  private ScriptSpeed() {}

  /**
   * Runs the benchmark.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    System.setProperty("ai.djl.pytorch.num_threads", "1");
    System.exit(run(new PrintWriter(System.out, true, StandardCharsets.UTF_8), args));
  }

  static int run(PrintWriter out, String... args) {
    return new CommandLine(new ScriptSpeed())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOut(out)
        .execute(args);
  }

  @Override
  public Integer call() throws IOException {
    Files.createDirectories(dir);
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      processor(manager);
      for (Case model : cases) {
        Path file = dir.resolve(model.name().toLowerCase(Locale.ROOT) + ".pt");
        switch (model) {
          case BERT -> {
            ScriptModels.bert(file);
            compare(
                "BERT, 6 layers, hidden 384, 1 x 128",
                file,
                new NDList(ids(manager, 1, 128)),
                ScriptModels.bertKernels(),
                new NDList(numbers(manager, 1, 128, 384), numbers(manager, 1, 128, 1536)));
          }
          case LINEAR -> stack(1, file, manager);
          case LINEAR3 -> stack(3, file, manager);
          case CONV -> {
            ScriptModels.convolutions(file);
            NDArray image = numbers(manager, 1, 64, 56, 56);
            compare(
                "5 convolutions of 3x3, 1 x 64 x 56 x 56",
                file,
                new NDList(image),
                ScriptModels.convolutionKernels(),
                new NDList(
                    image.abs(),
                    numbers(manager, 1, 128, 28, 28).abs(),
                    numbers(manager, 1, 256, 14, 14).abs(),
                    numbers(manager, 1, 256).abs()));
          }
        }
      }
    }
    return 0;
  }

  private void stack(int layers, Path file, NDManager manager) throws IOException {
    ScriptModels.stack(layers, width, file);
    NDList input = new NDList(numbers(manager, 1, width));
    String title = (layers == 1 ? "1 linear layer" : layers + " linear layers") + " of " + width;
    compare(title + ", batch 1", file, input, ScriptKernels.linear(layers, width, width), input);
  }

  /** Without VNNI, two products of 255 and 127 are added in 16 bits and saturate. */
  private void processor(NDManager manager) throws IOException {
    NDList ones = new NDList(manager.ones(new Shape(1, 64)));
    RunResult sums = runs(ones, kernels(ScriptKernels.linear(1, 16, 64), 0, 1)).models().get(1);
    PrintWriter out = writer();
    out.println(
        error(sums) < 0.1
            ? "int8 kernels: sums in 32 bits, as with VNNI"
            : "int8 kernels: sums of two products in 16 bits, no VNNI");
    out.println();
  }

  private void compare(
      String title, Path original, NDList input, ScriptKernels kernels, NDList kernelInput)
      throws IOException {
    List<Path> models = new ArrayList<>(List.of(original));
    for (String mode : MODES) {
      Path made = dir.resolve(mode + "-" + original.getFileName());
      QuantizationConfig config =
          QuantizationConfig.builder().format("torchscript").option("mode", mode).build();
      Quantizer.create()
          .withSync(false)
          .withRunning(false)
          .quantize(ModelInput.of(original), config, made, true);
      models.add(made);
    }
    RunComparison runs = runs(input, models);
    RunComparison alone = runs(kernelInput, kernels(kernels, 0.03, 0));
    double ceiling = alone.speedup(alone.models().get(1));
    PrintWriter out = writer();
    out.println(title);
    out.println(
        "                                    ms  speed-up  of kernels'  size ratio  relative error"
            + "    cosine");
    row("kernels alone, fp32", alone, 0, ceiling);
    row("kernels alone, int8", alone, 1, ceiling);
    row("model, fp32", runs, 0, ceiling);
    for (int i = 0; i < MODES.size(); i++) {
      row("model, " + MODES.get(i), runs, i + 1, ceiling);
    }
    out.println();
    out.flush();
  }

  /** The two models of kernels, fp32 first. */
  private List<Path> kernels(ScriptKernels kernels, double scale, double mean) throws IOException {
    List<Path> files = List.of(dir.resolve("kernels-fp32.pt"), dir.resolve("kernels-int8.pt"));
    kernels.write(false, scale, mean, files.get(0));
    kernels.write(true, scale, mean, files.get(1));
    return files;
  }

  /** Runs models in turns and deletes them. */
  private static RunComparison runs(NDList input, List<Path> models) throws IOException {
    RunComparison runs =
        // The kernels' archives are written here, and their packed weights have no names to read.
        Quantizer.create()
            .withTrust(true)
            .withSamples(List.of(SampleInputs.of(input)))
            .runSideBySide(models);
    for (Path model : models) {
      Files.delete(model);
    }
    return runs;
  }

  private void row(String name, RunComparison runs, int index, double ceiling) {
    RunResult model = runs.models().get(index);
    double share = 100 * runs.speedup(model) / ceiling;
    writer()
        .printf(
            Locale.ROOT,
            "%-29s  %7.2f  %7.2fx  %11s  %10.3f  %14.2e  %.6f%n",
            name,
            model.medianNanos() / 1e6,
            runs.speedup(model),
            index == 0 ? "" : String.format(Locale.ROOT, "%.0f%%", share),
            (double) model.fileBytes() / runs.reference().fileBytes(),
            error(model),
            model.outputs().cosine());
  }

  private static double error(RunResult model) {
    return Math.sqrt(model.outputs().noise() / model.outputs().signal());
  }

  private PrintWriter writer() {
    if (spec == null) {
      throw new IllegalStateException("run by picocli only");
    }
    return spec.commandLine().getOut();
  }

  private static NDArray ids(NDManager manager, int batch, int steps) {
    long[] ids = new Random(3).longs((long) batch * steps, 0, 30522).toArray();
    return manager.create(ids, new Shape(batch, steps));
  }

  private static NDArray numbers(NDManager manager, long... shape) {
    Shape full = new Shape(shape);
    Random random = new Random(4);
    float[] values = new float[Math.toIntExact(full.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return manager.create(values, full);
  }
}

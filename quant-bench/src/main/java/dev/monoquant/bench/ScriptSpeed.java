package dev.monoquant.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.RunComparison;
import dev.monoquant.core.RunResult;
import dev.monoquant.core.SampleInputs;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.io.PrintWriter;
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
 * Sizes, speed and errors of TorchScript models before and after, in every mode: made here with
 * random weights, rewritten, and run in turns in one process on one thread.
 */
@Command(
    name = "script-speed",
    mixinStandardHelpOptions = true,
    description = "Rewrites TorchScript models in every mode and runs them beside the originals.")
public final class ScriptSpeed implements Callable<Integer> {

  private static final List<String> MODES =
      List.of("weight-only", "dynamic", "dynamic-row", "dynamic-row-asymmetric");

  @Spec private @Nullable CommandSpec spec;

  @Option(names = "--dir", required = true, description = "Where the files go; made if missing.")
  private Path dir = Path.of("");

  private ScriptSpeed() {}

  /**
   * Runs the benchmark.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    System.setProperty("ai.djl.pytorch.num_threads", "1");
    System.exit(run(args));
  }

  static int run(String... args) {
    return new CommandLine(new ScriptSpeed()).execute(args);
  }

  @Override
  public Integer call() throws IOException {
    Files.createDirectories(dir);
    try (NDManager manager = NDManager.newBaseManager(Device.cpu())) {
      Path bert = dir.resolve("bert.pt");
      ScriptModels.bert(bert);
      compare("BERT, 6 layers, hidden 384, 1 x 128", bert, ids(manager, 1, 128));
      Path wide = dir.resolve("wide.pt");
      ScriptModels.wide(wide);
      compare("3 linear layers of 4096, batch 1", wide, numbers(manager, 1, 4096));
      Path conv = dir.resolve("conv.pt");
      ScriptModels.convolutions(conv);
      compare("5 convolutions of 3x3, 1 x 64 x 56 x 56", conv, numbers(manager, 1, 64, 56, 56));
    }
    return 0;
  }

  private void compare(String title, Path original, NDArray input) throws IOException {
    Quantizer quantizer =
        Quantizer.create().withSync(false).withSamples(List.of(SampleInputs.of(new NDList(input))));
    List<Path> models = new ArrayList<>(List.of(original));
    for (String mode : MODES) {
      Path made = dir.resolve(mode + "-" + original.getFileName());
      QuantizationConfig config =
          QuantizationConfig.builder().format("torchscript").option("mode", mode).build();
      quantizer.withRunning(false).quantize(ModelInput.of(original), config, made, true);
      models.add(made);
    }
    RunComparison race = quantizer.race(models);
    PrintWriter out = writer();
    out.println(title);
    out.println("mode                      size ratio  speed-up    ms  relative error    cosine");
    for (RunResult model : race.models()) {
      double error = Math.sqrt(model.outputs().noise() / model.outputs().signal());
      Path name = Path.of(model.name()).getFileName();
      out.printf(
          Locale.ROOT,
          "%-24s  %10.3f  %7.2fx  %6.2f  %14.2e  %.6f%n",
          name.toString().replace("-" + original.getFileName(), "").replace(".pt", " fp32"),
          (double) model.fileBytes() / race.reference().fileBytes(),
          race.speedup(model),
          model.medianNanos() / 1e6,
          error,
          model.outputs().cosine());
    }
    out.println();
    out.flush();
    for (Path model : models) {
      Files.delete(model);
    }
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

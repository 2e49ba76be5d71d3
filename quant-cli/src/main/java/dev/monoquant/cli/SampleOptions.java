package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.ModelRuns;
import dev.monoquant.core.control.SampleInputs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options for running models: their inputs and bounds. */
final class SampleOptions {

  @Option(
      names = "--sample",
      paramLabel = "FILE",
      description =
          "Inputs to run the models with: a .safetensors or .npz file, or a directory of such, with"
              + " an array for each parameter of forward: of an int, float, bool or text one number or text, of a"
              + " list its numbers (.npz), and METHOD:NAME for other methods. May be repeated."
              + " Without it, inputs are generated if the first layer determines their shape.")
  private List<Path> samples = new ArrayList<>();

  @Option(
      names = "--trust",
      description =
          "Run models whose code may do other things than compute, such as write files. Without it"
              + " they are refused.")
  private boolean trust;

  @Option(
      names = "--run-timeout",
      paramLabel = "TIME",
      description =
          "Stop the process that models run in after this time, such as 90s, 10m or 2h."
              + " Default: 10m.")
  private @Nullable String timeout;

  @Option(
      names = "--run-memory",
      paramLabel = "SIZE",
      description =
          "Stop the process that models run in when it takes more memory, such as 500m or 8g; on"
              + " Linux only. Default: 4g and four times the sizes of the models and samples.")
  private @Nullable String memory;

  Quantizer applyTo(Quantizer quantizer) {
    ModelRuns runs = ModelRuns.IN_CHILD;
    if (timeout != null) {
      runs = runs.withTimeout(Quantity.time("--run-timeout", timeout, "10m"));
    }
    if (memory != null) {
      runs = runs.withMaxMemory(Quantity.bytes("--run-memory", memory, "8g"));
    }
    return quantizer
        .withSamples(samples.stream().map(SampleInputs::of).toList())
        .withTrust(trust)
        .withModelRuns(runs);
  }
}

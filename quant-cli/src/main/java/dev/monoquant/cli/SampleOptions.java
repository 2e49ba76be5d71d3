package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.SampleInputs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The option for inputs to run models with. */
final class SampleOptions {

  @Option(
      names = "--sample",
      paramLabel = "FILE",
      description =
          "Inputs to run the models with: a .safetensors or .npz file with a tensor for each"
              + " parameter of forward. May be repeated. Without it, inputs are generated if the"
              + " first layer determines their shape.")
  private List<Path> samples = new ArrayList<>();

  Quantizer applyTo(Quantizer quantizer) {
    return quantizer.withSamples(samples.stream().map(SampleInputs::of).toList());
  }
}

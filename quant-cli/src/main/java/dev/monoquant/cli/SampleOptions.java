package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.SampleInputs;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** How models are run: with which inputs, and within which bounds. */
final class SampleOptions {

  @Option(
      names = "--sample",
      paramLabel = "FILE",
      description =
          "Inputs to run the models with: a .safetensors or .npz file with a tensor for each"
              + " parameter of forward. May be repeated. Without it, inputs are generated if the"
              + " first layer determines their shape.")
  private List<Path> samples = new ArrayList<>();

  @Option(
      names = "--trust",
      description =
          "Run models whose code may do other things than compute, such as write files. Without it"
              + " they are refused.")
  private boolean trust;

  Quantizer applyTo(Quantizer quantizer) {
    return quantizer.withSamples(samples.stream().map(SampleInputs::of).toList()).withTrust(trust);
  }
}

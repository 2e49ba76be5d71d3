package dev.monoquant.cli;

import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadChoices;
import java.nio.file.Path;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A model to read, and the choices that a checkpoint leaves to its reader. */
final class InputOptions {

  @Parameters(
      paramLabel = "INPUT",
      description =
          "A safetensors file, a file of torch.save or TorchScript, or a model directory.")
  private Path path = Path.of("");

  @Option(
      names = "--entry",
      paramLabel = "PATH",
      description =
          "The entry of a nested checkpoint that holds the weights, such as ema/model;"
              + " / for all.")
  private String entry = "";

  @Option(
      names = "--strip-prefixes",
      description = "Take module. and _orig_mod. off the names of a checkpoint.")
  private boolean stripPrefixes;

  Path path() {
    return path;
  }

  ModelInput model() {
    return ModelInput.of(path, new ReadChoices(entry, stripPrefixes));
  }
}

package dev.monoquant.cli;

import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadChoices;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The model to read, and the options for reading a checkpoint. */
final class InputOptions {

  @Parameters(
      paramLabel = "INPUT",
      description =
          "A safetensors file, a file of torch.save, torch.export or TorchScript, or a model directory.")
  private Path path = Path.of("");

  @Option(
      names = "--entry",
      paramLabel = "PATH",
      description =
          "The entry of a nested checkpoint with the weights, such as ema/model; / for all. Of"
              + " several models in a .pt2 archive, the name of one.")
  private String entry = "";

  @Option(
      names = "--strip-prefixes",
      negatable = true,
      defaultValue = Option.NULL_VALUE,
      fallbackValue = "true",
      description =
          "Remove names of wrappers, such as module. and _orig_mod., from the tensor names of a"
              + " checkpoint, or keep them. By default quantize removes them and inspect keeps them.")
  private @Nullable Boolean stripPrefixes;

  @Option(
      names = "--fold",
      negatable = true,
      defaultValue = Option.NULL_VALUE,
      fallbackValue = "true",
      description =
          "Replace the tensors of weight_norm, spectral_norm and pruning by the weights computed"
              + " from them, or keep them. By default quantize folds them in a single file, but"
              + " not in a directory, and inspect keeps them.")
  private @Nullable Boolean fold;

  Path path() {
    return path;
  }

  ModelInput model() {
    return ModelInput.of(
        path,
        new ReadChoices(entry, Optional.ofNullable(stripPrefixes), Optional.ofNullable(fold)));
  }
}

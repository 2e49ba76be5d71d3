package dev.monoquant.cli;

import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadChoices;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The model to read, and the options for reading a checkpoint. */
final class InputOptions {

  @Parameters(
      paramLabel = "INPUT",
      description =
          "A safetensors file, a file of torch.save, torch.export or TorchScript, or a model"
              + " directory; also the address of a safetensors or GGUF file, or of a directory, such"
              + " as https://host/llm/, if the command does not run the model.",
      converter = InputArgument.Converter.class)
  private InputArgument input = new InputArgument("", Optional.empty());

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

  /** The path of a model that the command runs. */
  Path path() {
    return input.requireLocal();
  }

  /**
   * The path of a model, which may be remote.
   *
   * @param paths makes paths of addresses and of local names
   */
  Path path(Function<String, Path> paths) {
    return paths.apply(input.text());
  }

  /** A model that the command runs. */
  ModelInput model() {
    return model(path());
  }

  /**
   * The model at a path.
   *
   * @param path as {@link #path} returned it
   */
  ModelInput model(Path path) {
    return ModelInput.of(
        path,
        new ReadChoices(entry, Optional.ofNullable(stripPrefixes), Optional.ofNullable(fold)));
  }
}

package dev.monoquant.cli;

import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.ReadChoices;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
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
      negatable = true,
      defaultValue = Option.NULL_VALUE,
      fallbackValue = "true",
      description =
          "Take steps of wrappers, such as module. and _orig_mod., off the names of a checkpoint,"
              + " or keep them. By default they are taken off.")
  private @Nullable Boolean stripPrefixes;

  @Option(
      names = "--fold",
      negatable = true,
      defaultValue = Option.NULL_VALUE,
      fallbackValue = "true",
      description =
          "Make the weights of weight_norm, spectral_norm and pruning once and for all, or keep"
              + " what they are made of. By default a single file is folded, and a directory is"
              + " not.")
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

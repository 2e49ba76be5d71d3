package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.ModelInput;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;

/** {@code quant dequantize}. */
@Command(
    name = "dequantize",
    description = {
      "Decodes a quantized model to its original float types.",
      "Prints the written files, one per line."
    },
    customSynopsis = "quant dequantize INPUT -o OUTPUT [OPTIONS]",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {"", "Example: quant dequantize model-int8.safetensors -o model-float.safetensors"})
final class DequantizeCommand extends RewriteCommand {

  DequantizeCommand() {
    super("decoding");
  }

  @Override
  List<Path> write(
      Quantizer quantizer, ModelInput input, Path output, Optional<String> format, boolean force) {
    return quantizer.dequantize(input, output, format, force);
  }
}

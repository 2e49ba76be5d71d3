package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.ModelInput;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;

/** {@code quant convert}. */
@Command(
    name = "convert",
    description = {
      "Writes the codes and scales of a quantized model in another format.",
      "Nothing is rounded again; a format that cannot hold them refuses.",
      "Prints the written files, one per line."
    },
    customSynopsis = "quant convert INPUT -o OUTPUT [OPTIONS]",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {"", "Example: quant convert llm-gptq -o llm-compressed"})
final class ConvertCommand extends RewriteCommand {

  ConvertCommand() {
    super("converting");
  }

  @Override
  List<Path> write(
      Quantizer quantizer, ModelInput input, Path output, Optional<String> format, boolean force) {
    return quantizer.convert(input, output, format, force);
  }
}

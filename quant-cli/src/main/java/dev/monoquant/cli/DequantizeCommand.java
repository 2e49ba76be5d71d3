package dev.monoquant.cli;

import dev.monoquant.spi.ModelInput;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code quant dequantize}. */
@Command(
    name = "dequantize",
    description = "Decodes a quantized model to the float types it had.",
    mixinStandardHelpOptions = true)
final class DequantizeCommand implements Callable<Integer>, Failure.Verbose {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "INPUT", description = "A quantized file or directory.")
  private Path input = Path.of("");

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "OUTPUT",
      description = "A .safetensors file or a directory.")
  private Path output = Path.of("");

  @Option(names = "--format", paramLabel = "ID", description = "The output format.")
  private @Nullable String format;

  @Option(names = "--force", description = "Replace an existing output.")
  private boolean force;

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public boolean verbose() {
    return run.verbose();
  }

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (run) {
      List<Path> files =
          run.quantizer(spec.commandLine().getErr())
              .dequantize(ModelInput.of(input), output, Optional.ofNullable(format), force);
      files.forEach(out::println);
      out.flush();
      return 0;
    }
  }
}

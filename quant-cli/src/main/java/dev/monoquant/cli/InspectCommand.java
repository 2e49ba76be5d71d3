package dev.monoquant.cli;

import dev.monoquant.core.Inspection;
import dev.monoquant.spi.ModelInput;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code quant inspect}. */
@Command(
    name = "inspect",
    description = "Shows what is in a model, from its headers alone.",
    mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer>, Failure.Verbose {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "INPUT", description = "A file or a model directory.")
  private Path input = Path.of("");

  @Option(names = "--json", description = "Print JSON instead of a table.")
  private boolean json;

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public boolean verbose() {
    return run.verbose();
  }

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (run) {
      Inspection inspection =
          run.quantizer(spec.commandLine().getErr()).inspect(ModelInput.of(input));
      out.print(json ? inspection.toJson() + "\n" : inspection.toTable());
      out.flush();
      return 0;
    }
  }
}

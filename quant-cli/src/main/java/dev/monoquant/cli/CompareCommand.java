package dev.monoquant.cli;

import dev.monoquant.core.Comparison;
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

/** {@code quant compare}. */
@Command(
    name = "compare",
    description =
        "Compares two models tensor by tensor, decoding quantized weights on either side.",
    mixinStandardHelpOptions = true)
final class CompareCommand implements Callable<Integer>, Failure.Verbose {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(index = "0", paramLabel = "A", description = "The original.")
  private Path a = Path.of("");

  @Parameters(index = "1", paramLabel = "B", description = "The other model.")
  private Path b = Path.of("");

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
      Comparison comparison =
          run.quantizer(spec.commandLine().getErr()).compare(ModelInput.of(a), ModelInput.of(b));
      out.print(json ? comparison.toJson() + "\n" : comparison.toTable());
      out.flush();
      return 0;
    }
  }
}

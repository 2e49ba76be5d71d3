package dev.monoquant.cli;

import dev.monoquant.core.report.Comparison;
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
        "Compares two models tensor by tensor, with quantized weights decoded. Exits with 4 if no"
            + " tensor is in both.",
    customSynopsis = "quant compare A B [OPTIONS]",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: quant compare model.safetensors model-int8.safetensors"},
    sortOptions = false)
final class CompareCommand implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(index = "0", paramLabel = "A", description = "The original.")
  private Path a = Path.of("");

  @Parameters(index = "1", paramLabel = "B", description = "The other model.")
  private Path b = Path.of("");

  @Option(names = "--json", description = "Print JSON instead of a table.")
  private boolean json;

  @Mixin private final ReadOptions reading = new ReadOptions();

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (run;
        Talk talk = run.talk(spec.commandLine().getErr(), "comparing")) {
      Comparison comparison =
          reading.applyTo(run.quantizer(talk)).compare(ModelInput.of(a), ModelInput.of(b));
      talk.print(
          out,
          json,
          json
              ? comparison.toJson()
              : Terminal.HERE.show(comparison.toTable(Terminal.HERE.columns())));
      talk.summary();
      if (comparison.tensors().isEmpty()) {
        Failure.say(
            spec.commandLine().getErr(),
            a + " and " + b + " have no tensor of one name and shape: nothing was compared");
        return Failure.VALIDATION;
      }
      return 0;
    }
  }
}

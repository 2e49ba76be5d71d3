package dev.monoquant.cli;

import dev.monoquant.core.report.Verification;
import dev.monoquant.spi.ModelInput;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code quant verify}. */
@Command(
    name = "verify",
    description = {
      "Reads an output again: compares it with the hashes in its manifest and decodes it.",
      "Exits with 4 if anything differs."
    },
    customSynopsis = "quant verify OUTPUT [--against INPUT] [OPTIONS]",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: quant verify model-int8.safetensors --against model.safetensors"},
    sortOptions = false)
final class VerifyCommand implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "OUTPUT", description = "A file or directory that quant wrote.")
  private Path output = Path.of("");

  @Option(
      names = "--against",
      paramLabel = "INPUT",
      description = "The original model: also check its hashes and measure every error again.")
  private @Nullable Path against;

  @Option(names = "--json", description = "Print JSON instead of text.")
  private boolean json;

  @Mixin private final ReadOptions reading = new ReadOptions();

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (run;
        Talk talk = run.talk(spec.commandLine().getErr(), "verifying")) {
      Verification result =
          reading
              .applyTo(run.quantizer(talk))
              .verify(output, Optional.ofNullable(against).map(ModelInput::of));
      talk.print(out, json, json ? result.toJson() : Terminal.HERE.show(result.toTable()));
      talk.summary();
      result.requireNoDifferences();
      return 0;
    }
  }
}

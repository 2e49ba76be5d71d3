package dev.monoquant.cli;

import dev.monoquant.core.control.RunTiming;
import dev.monoquant.core.report.RunComparison;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code quant bench}. */
@Command(
    name = "bench",
    description = {
      "Runs TorchScript models side by side on the same inputs and compares speed and outputs.",
      "",
      "The models run in turns in one process on one PyTorch thread, so that variations in the"
          + " load of the machine affect all of them; the first model is the reference. This"
          + " executes the code of the models, if all of it is known to do nothing but compute, in"
          + " a process of its own."
    },
    customSynopsis = "quant bench MODEL... [--sample FILE] [OPTIONS]",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: quant bench model.pt model-int8.pt --sample inputs.npz"},
    sortOptions = false)
final class BenchCommand implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(
      arity = "1..*",
      paramLabel = "MODEL",
      description = "TorchScript files, the original first.")
  private List<Path> models = new ArrayList<>();

  @Mixin private final SampleOptions samples = new SampleOptions();

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description =
          "Time this many rounds, in each of which every model runs once. Default: 5 to 101, as"
              + " many as fit in the time.")
  private @Nullable Integer rounds;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description = "Begin no round after this time. Default: 2, or as long as --rounds take.")
  private @Nullable Double seconds;

  @Option(names = "--json", description = "Print JSON instead of a table.")
  private boolean json;

  @Mixin private final ReadOptions reading = new ReadOptions();

  @Mixin private final RunOptions run = new RunOptions();

  private RunTiming timing() {
    return new RunTiming(
        rounds == null ? OptionalInt.empty() : OptionalInt.of(rounds),
        seconds == null
            ? Optional.empty()
            : Optional.of(Duration.ofNanos(Math.round(seconds * 1e9))));
  }

  @Override
  public Integer call() {
    run.requireNoWork();
    PrintWriter out = spec.commandLine().getOut();
    try (run;
        Talk talk = run.talk(spec.commandLine().getErr(), "running")) {
      RunComparison runs =
          samples
              .applyTo(reading.applyTo(run.quantizer(talk)))
              .withTiming(timing())
              .runSideBySide(models);
      talk.print(
          out,
          json,
          json ? runs.toJson() : Terminal.HERE.show(runs.toTable(Terminal.HERE.columns())));
      talk.summary();
      return 0;
    }
  }
}

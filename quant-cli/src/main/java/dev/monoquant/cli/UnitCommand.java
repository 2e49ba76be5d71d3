package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.split.SplitPlan;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code quant run}. */
@Command(
    name = "run",
    description = {
      "Writes one unit of a plan of quant plan.",
      "Any unit may run on any machine, in any order, again after a failure, and also twice at the"
          + " same time. It refuses an input, version or configuration other than those of the plan."
    },
    customSynopsis = "quant run PLAN --unit K [OPTIONS]",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: quant run plan.json --unit 0"},
    sortOptions = false)
final class UnitCommand implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "PLAN", description = "The file that quant plan wrote.")
  private Path file = Path.of("");

  @Option(
      names = "--unit",
      required = true,
      paramLabel = "K",
      description = "The number of the unit, from 0.")
  private int unit;

  @Option(
      names = "--no-sync",
      description = "Do not wait for the disk: faster, but a power failure may lose the unit.")
  private boolean noSync;

  @Mixin private final RemoteOptions remote = new RemoteOptions();

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public Integer call() {
    run.requirePlanned();
    SplitPlan plan = SplitPlanFile.read(file);
    try (run;
        remote;
        Talk talk = run.talk(spec.commandLine().getErr(), "quantizing")) {
      Quantizer quantizer = run.quantizer(talk, remote).withSync(!noSync);
      long start = System.nanoTime();
      Optional<Report> report = quantizer.units().run(plan, unit);
      SplitPlan.Unit one = plan.unit(unit);
      talk.print(
          spec.commandLine().getOut(),
          false,
          String.format(
              Locale.ROOT,
              "unit %d of %d: %d tensors, %d bytes%s%n",
              unit,
              plan.units().size(),
              one.tensors().size(),
              one.written(),
              report.isPresent() ? "" : ", complete before and as it was written"));
      if (report.isPresent()) {
        Duration elapsed = Duration.ofNanos(System.nanoTime() - start);
        talk.say("took " + report.get().speed(elapsed));
      }
      return 0;
    }
  }
}

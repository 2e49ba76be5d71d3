package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.split.SplitPlan;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code quant join}. */
@Command(
    name = "join",
    description = {
      "Joins the units of a plan and puts the output in place, when all of them are written.",
      "Reads every byte again and compares it with the hashes of the units; the output has the bytes"
          + " that quant quantize writes."
    },
    customSynopsis = "quant join PLAN [OPTIONS]",
    mixinStandardHelpOptions = true,
    footer = {"", "Example: quant join plan.json"},
    sortOptions = false)
final class JoinCommand implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "PLAN", description = "The file that quant plan wrote.")
  private Path file = Path.of("");

  @Option(names = "--json", description = "Print JSON instead of text.")
  private boolean json;

  @Option(
      names = {"-v", "--table"},
      description = "Print a table of all weights, and every unquantized tensor with its reason.")
  private boolean table;

  @Mixin private final Gates gates = new Gates();

  @Option(
      names = "--no-sync",
      description = "Do not wait for the disk: faster, but a power failure may lose the output.")
  private boolean noSync;

  @Mixin private final RemoteOptions remote = new RemoteOptions();

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public Integer call() {
    run.requirePlanned();
    SplitPlan plan = SplitPlanFile.read(file);
    PrintWriter out = spec.commandLine().getOut();
    try (run;
        remote;
        Talk talk = run.talk(spec.commandLine().getErr(), "joining")) {
      Quantizer quantizer = gates.applyTo(run.quantizer(talk, remote).withSync(!noSync));
      quantizer.units().join(plan, report -> talk.print(out, json || table, text(report)));
      Interrupts.written();
      talk.say("wrote " + plan.target());
      return 0;
    }
  }

  private String text(Report report) {
    int columns = Terminal.HERE.columns();
    return json
        ? report.toJson()
        : Terminal.HERE.show(table ? report.toTable(columns) : report.toSummary(columns));
  }
}

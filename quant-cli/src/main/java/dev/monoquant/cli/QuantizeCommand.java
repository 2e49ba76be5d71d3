package dev.monoquant.cli;

import dev.monoquant.OutputException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.Report;
import dev.monoquant.spi.Hashing;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code quant quantize}. */
@Command(
    name = "quantize",
    description = {
      "Quantizes a model into a new file or directory; the input never changes.",
      "A TorchScript output and the original are run side by side before the output is accepted."
          + " This executes the code of the model, if all of it is known to do nothing but"
          + " compute, in a process of its own; --no-run executes nothing."
    },
    customSynopsis = "quant quantize INPUT -o OUTPUT [OPTIONS]",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Example: quant quantize llm -o llm-int4 --scheme int4 --exclude lm_head --dry-run",
    },
    sortOptions = false)
final class QuantizeCommand implements Callable<Integer> {

  /** The headings of the help by the first option of each. */
  static final Map<String, String> GROUPS =
      Map.of(
          "--entry", "What to read",
          "--output", "What to write",
          "--scheme", "How to quantize",
          "--include", "Which layers",
          "--option", "Policies, and options of plugins",
          "--force", "The run",
          "--json", "The report",
          "--sample", "Gates, and the run beside the original",
          "--no-sync", "How to work");

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private final InputOptions input = new InputOptions();

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "OUTPUT",
      description =
          "A .safetensors file, a directory in the compressed-tensors convention, or, for a"
              + " TorchScript model, a .pt file that can be run. A directory that DJL serves gives"
              + " another one.")
  private Path output = Path.of("");

  @Mixin private final ConfigOptions config = new ConfigOptions();

  @Option(names = "--force", description = "Replace an existing output; never an input.")
  private boolean force;

  @Option(
      names = "--requantize",
      description =
          "Accept a model that is quantized already: decode its weights and quantize them again."
              + " The errors of both add up.")
  private boolean requantize;

  @Option(
      names = "--resume",
      description =
          "Resume an interrupted run to the same directory; the bytes equal those of an"
              + " uninterrupted run.")
  private boolean resume;

  @Option(names = "--dry-run", description = "Print the plan and the exact size; write nothing.")
  private boolean dryRun;

  @Option(names = "--json", description = "Print JSON instead of text.")
  private boolean json;

  @Option(
      names = "--table",
      description = "Print a table of all weights, and every unquantized tensor with its reason.")
  private boolean table;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description =
          "Also write the JSON report to this file, even if a gate is missed; an earlier report"
              + " is replaced, any other file only with --force.")
  private @Nullable Path reportFile;

  @Mixin private final SampleOptions samples = new SampleOptions();

  @Option(
      names = "--no-run",
      description =
          "Accept a TorchScript output without a side-by-side run: no code of the model is"
              + " executed. Refused with other outputs, which are never run.")
  private boolean noRun;

  @Mixin private final Gates gates = new Gates();

  @Option(
      names = "--no-sync",
      description = "Do not wait for the disk: faster, but a power failure may lose the output.")
  private boolean noSync;

  @Option(
      names = "--hash",
      paramLabel = "WHAT",
      description =
          "The hashes in the manifest: outputs (SHA-256 of all that is written; size and CRC32C of"
              + " the inputs), all (SHA-256 of the inputs, too) or none (faster, but verify cannot"
              + " compare contents, and the run cannot be resumed). Default: outputs.")
  private @Nullable String hash;

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public Integer call() {
    QuantizationConfig wanted = config.config();
    try (run;
        Talk talk = run.talk(spec.commandLine().getErr(), "quantizing")) {
      Quantizer quantizer =
          run.quantizer(talk)
              .withSync(!noSync)
              .withResume(resume)
              .withRequantize(requantize)
              .withRunning(!noRun);
      if (hash != null) {
        Hashing hashing = Hashing.parse(hash);
        quantizer = quantizer.withHashing(hashing);
        if (hashing == Hashing.NONE) {
          talk.say(
              "note: without hashes a later change of the output is not noticed, and the run cannot"
                  + " be resumed");
        }
      }
      quantizer = gates.applyTo(samples.applyTo(quantizer));
      return dryRun ? plan(quantizer, wanted, talk) : quantize(quantizer, wanted, talk);
    }
  }

  private int plan(Quantizer quantizer, QuantizationConfig wanted, Talk talk) {
    if (reportFile != null || gates.needErrors()) {
      talk.say(
          "note: a dry run has no errors to measure, so --report, --min-sqnr and"
              + " --min-weight-cosine do nothing");
    }
    Plan plan = quantizer.plan(input.model(), wanted, Optional.of(output));
    talk.print(out(), true, json ? plan.toJson() : plan.toTable());
    plan.requireNoErrors();
    quantizer.requireGates(plan);
    return 0;
  }

  private int quantize(Quantizer quantizer, QuantizationConfig wanted, Talk talk) {
    if (reportFile != null) {
      ReportFile.check(reportFile, input.path(), output, force);
    }
    long start = System.nanoTime();
    Report report =
        quantizer.quantize(
            input.model(), wanted, output, force, seen -> tellRefused(seen, start, talk));
    Interrupts.written();
    Duration elapsed = Duration.ofNanos(System.nanoTime() - start);
    tell(report, elapsed, talk);
    if (!json) {
      // Not part of the table, which is the same for each run of the same command.
      talk.say("took " + report.speed(elapsed));
    }
    talk.say("wrote " + output);
    if (reportFile != null) {
      ReportFile.write(reportFile, report.toJson(elapsed), "The model was");
    }
    return 0;
  }

  /** After a missed gate, the user needs the measured values. */
  private void tellRefused(Report report, long start, Talk talk) {
    if (report.accepted()) {
      return;
    }
    Duration elapsed = Duration.ofNanos(System.nanoTime() - start);
    tell(report, elapsed, talk);
    if (reportFile != null) {
      try {
        ReportFile.write(reportFile, report.toJson(elapsed), "Nothing was");
      } catch (OutputException e) {
        // The reason for the refusal is printed last and sets the exit code.
        Failure.say(spec.commandLine().getErr(), String.valueOf(e.getMessage()));
      }
    }
  }

  private void tell(Report report, Duration elapsed, Talk talk) {
    String text = json ? report.toJson(elapsed) : table ? report.toTable() : report.toSummary();
    talk.print(out(), json || table, text);
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }
}

package dev.monoquant.cli;

import dev.monoquant.OutputException;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.recipe.RunRecipe;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.Plans;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.Reports;
import dev.monoquant.core.report.RunReport;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.Hashing;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
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
    customSynopsis = "quant quantize INPUT -o OUTPUT [OPTIONS] [-o OUTPUT [OPTIONS]]...",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Example: quant quantize llm -o llm-int4 --scheme int4 --exclude lm_head --dry-run",
      "Example: quant quantize llm -o llm-fp8 --scheme FP8_DYNAMIC -o llm-w4 --scheme W4A16",
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
              + " another one. May be repeated for several outputs in one pass: options for what to"
              + " quantize and how, from --scheme to --side-files, belong to the -o before them;"
              + " before the first -o they apply to all. Not needed if the recipe has outputs.")
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
      names = {"-v", "--table"},
      description = "Print a table of all weights, and every unquantized tensor with its reason.")
  private boolean table;

  @Mixin private final ReportOptions files = new ReportOptions();

  @Option(
      names = "--calibration",
      paramLabel = "FILE",
      description =
          "Statistics of the inputs of layers, for schemes that need or use them: a safetensors or"
              + " .npz file with NAME.x2, NAME.h, NAME.xmin and NAME.xmax for a layer NAME, or the"
              + " importance matrix of llama.cpp. Overrides the calibration of the recipe.")
  private @Nullable Path calibration;

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

  @Mixin private final RemoteOptions remote = new RemoteOptions();

  @Mixin private final RunOptions run = new RunOptions();

  /** Whether the reports are written already. */
  private boolean told;

  private OutputArguments several = new OutputArguments(List.of(), List.of());

  /** Sets the arguments of several outputs, before the others are parsed. */
  void several(OutputArguments arguments) {
    several = arguments;
  }

  @Override
  public Integer call() {
    try (run;
        remote;
        Talk talk = run.talk(spec.commandLine().getErr(), "quantizing")) {
      Quantizer quantizer =
          run.quantizer(talk, remote)
              .withSync(!noSync)
              .withResume(resume)
              .withRequantize(requantize)
              .withRunning(!noRun);
      RunRecipe recipe = config.recipe(run.plugins());
      Optional<Path> statistics =
          calibration == null ? recipe.calibration() : Optional.of(calibration);
      List<Output> outputs = outputs(recipe, statistics);
      if (hash != null) {
        quantizer = quantizer.withHashing(hashing());
        if (hashing() == Hashing.NONE) {
          talk.say(
              "note: without hashes a later change of the output is not noticed, and the run cannot"
                  + " be resumed");
        }
      }
      quantizer = gates.applyTo(samples.applyTo(quantizer));
      if (statistics.isEmpty()) {
        return run(quantizer, outputs, talk);
      }
      try (Calibration opened = quantizer.openCalibration(statistics.get())) {
        return run(quantizer.withCalibration(opened), outputs, talk);
      }
    }
  }

  private int run(Quantizer quantizer, List<Output> outputs, Talk talk) {
    return dryRun ? plan(quantizer, outputs, talk) : quantize(quantizer, outputs, talk);
  }

  /** The outputs of the command line, or else those of the recipe. */
  private List<Output> outputs(RunRecipe recipe, Optional<Path> statistics) {
    QuantizationConfig arguments = config.arguments();
    CommandLine command = spec.commandLine();
    if (!command.getParseResult().hasMatchedOption("--output")) {
      if (recipe.outputs().isEmpty()) {
        throw new ParameterException(command, "Missing required option: '--output=OUTPUT'");
      }
      return recipe.outputs().stream()
          .map(o -> new Output(o.target(), o.config().overrideWith(arguments)))
          .toList();
    }
    OutputArguments.requireNoOutputs(recipe);
    return several.outputs().isEmpty()
        ? List.of(new Output(output, recipe.config().overrideWith(arguments)))
        : several.outputs(command, recipe.config(), statistics, arguments, run.plugins());
  }

  private int plan(Quantizer quantizer, List<Output> outputs, Talk talk) {
    if (!files.isEmpty() || gates.needErrors()) {
      talk.say(
          "note: a dry run has no errors to measure, so --report, --min-sqnr and"
              + " --min-weight-cosine do nothing");
    }
    Plans plans = quantizer.plan(input.model(input.path(run.paths())), outputs);
    Plan first = plans.outputs().get(0).plan();
    String text =
        outputs.size() == 1
            ? json ? first.toJson() : first.toTable(Terminal.HERE.columns())
            : json ? plans.toJson() : plans.toTable(Terminal.HERE.columns());
    talk.print(out(), true, json ? text : Terminal.HERE.show(text));
    plans.requireNoErrors();
    List<Plan> all = plans.outputs().stream().map(Plans.Entry::plan).toList();
    talk.say(quantizer.memory(all).toText());
    quantizer.requireGates(plans);
    return 0;
  }

  private int quantize(Quantizer quantizer, List<Output> outputs, Talk talk) {
    Path path = input.path(run.paths());
    files.check(path, outputs.stream().map(Output::target).toList(), force);
    RunRecord record = new RunRecord(path, outputs, hashing(), System.nanoTime());
    Reports reports;
    try {
      reports =
          quantizer.quantize(
              input.model(path), outputs, force, seen -> tellRefused(seen, record, talk));
    } catch (QuantException e) {
      tellFailed(e, record, talk);
      throw e;
    }
    Interrupts.written();
    remote.discard();
    Duration elapsed = record.elapsed();
    Optional<RunReport> run =
        isReported() ? Optional.of(record.of(reports, json || !files.isEmpty())) : Optional.empty();
    tell(reports, run, talk);
    if (!json) {
      // Not part of the table, which is the same for each run of the same command.
      talk.say("took " + reports.speed(elapsed));
    }
    outputs.forEach(one -> talk.say("wrote " + one.target()));
    if (!json && !table) {
      talk.say("next: --table shows all; quant verify " + outputs.get(0).target() + " checks it");
    }
    run.ifPresent(report -> files.write(report, "The model was"));
    return 0;
  }

  private Hashing hashing() {
    return hash == null ? Hashing.OUTPUTS : Hashing.parse(hash);
  }

  /** After a missed gate, the user needs the measured values. */
  private void tellRefused(Reports reports, RunRecord record, Talk talk) {
    if (!reports.accepted()) {
      told = true;
      Optional<RunReport> run =
          isReported() ? Optional.of(record.of(reports, false)) : Optional.empty();
      tell(reports, run, talk);
      run.ifPresent(this::write);
    }
  }

  /** After any other failure, programs that read reports need the reason. */
  private void tellFailed(QuantException why, RunRecord record, Talk talk) {
    if (!told && isReported()) {
      RunReport run = record.of(Failure.problems(why));
      if (json) {
        talk.print(out(), true, run.toJson());
      }
      write(run);
    }
  }

  /** The reason for the failure is printed last and sets the exit code. */
  private void write(RunReport run) {
    try {
      files.write(run, "Nothing was");
    } catch (OutputException e) {
      Failure.say(spec.commandLine().getErr(), String.valueOf(e.getMessage()));
    }
  }

  private void tell(Reports reports, Optional<RunReport> run, Talk talk) {
    talk.print(out(), json || table, json ? run.orElseThrow().toJson() : toText(reports));
  }

  /** Whether anything is made of a report, which lists the files of the run and may hash them. */
  private boolean isReported() {
    return json || files.isWanted();
  }

  private String toText(Reports reports) {
    Report first = reports.outputs().get(0).report();
    int columns = Terminal.HERE.columns();
    if (reports.outputs().size() == 1) {
      return Terminal.HERE.show(table ? first.toTable(columns) : first.toSummary(columns));
    }
    return Terminal.HERE.show(table ? reports.toTable(columns) : reports.toSummary(columns));
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }
}

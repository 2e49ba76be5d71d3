package dev.monoquant.cli;

import dev.monoquant.OutputException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.ValidationException;
import dev.monoquant.core.Plan;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.Report;
import dev.monoquant.spi.ModelInput;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code quant quantize}. */
@Command(
    name = "quantize",
    description = "Quantizes a model into a new file or directory; the input never changes.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class QuantizeCommand implements Callable<Integer>, Failure.Verbose {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "INPUT", description = "A .safetensors file or a model directory.")
  private Path input = Path.of("");

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "OUTPUT",
      description = "A .safetensors file, or a directory in the compressed-tensors convention.")
  private Path output = Path.of("");

  @Mixin private final ConfigOptions config = new ConfigOptions();

  @Option(names = "--force", description = "Replace an existing output.")
  private boolean force;

  @Option(
      names = "--resume",
      description =
          "Go on where an interrupted run to the same directory stopped; the bytes are the same as"
              + " those of a run in one go.")
  private boolean resume;

  @Option(names = "--dry-run", description = "Print the plan and the exact size; write nothing.")
  private boolean dryRun;

  @Option(names = "--json", description = "Print JSON instead of a table.")
  private boolean json;

  @Option(names = "--report", paramLabel = "FILE", description = "Write the JSON report there too.")
  private @Nullable Path reportFile;

  @Option(
      names = "--min-sqnr",
      paramLabel = "DB",
      description = "Gate: exit with 4 if the SQNR of any weight is lower.")
  private @Nullable Double minSqnr;

  @Option(
      names = "--max-size-ratio",
      paramLabel = "R",
      description = "Gate: exit with 4 if output bytes / input bytes is greater.")
  private @Nullable Double maxSizeRatio;

  @Option(
      names = "--no-sync",
      description = "Do not wait for the disk: faster, but a power cut may lose the output.")
  private boolean noSync;

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public boolean verbose() {
    return run.verbose();
  }

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    QuantizationConfig wanted = config.config();
    try (run) {
      Quantizer quantizer = run.quantizer(err).withSync(!noSync).withResume(resume);
      if (dryRun) {
        Plan plan = quantizer.plan(ModelInput.of(input), wanted, Optional.of(output));
        out.print(json ? plan.toJson() + "\n" : plan.toTable());
        out.flush();
        plan.requireSound();
        return 0;
      }
      Report report = quantizer.quantize(ModelInput.of(input), wanted, output, force);
      out.print(json ? report.toJson() + "\n" : report.toTable());
      out.flush();
      writeReport(report);
      if (!run.quiet()) {
        err.println("wrote " + output);
      }
      gate(report);
      return 0;
    }
  }

  private void writeReport(Report report) {
    if (reportFile == null) {
      return;
    }
    try {
      Files.writeString(reportFile, report.toJson() + "\n");
    } catch (IOException e) {
      throw new OutputException(
          reportFile + ": the report could not be written: " + e + ". The model was", e);
    }
  }

  private void gate(Report report) {
    if (minSqnr != null) {
      report.weights().stream()
          .filter(w -> !(w.errors().sqnrDb() >= minSqnr))
          .findFirst()
          .ifPresent(
              w -> {
                throw new ValidationException(
                    String.format(
                        Locale.ROOT,
                        "gate missed: %s has an SQNR of %.2f dB, and --min-sqnr asks for %.2f;"
                            + " the output was written",
                        w.name(),
                        w.errors().sqnrDb(),
                        minSqnr));
              });
    }
    double ratio = 1 / report.compressionRatio();
    if (maxSizeRatio != null && !(ratio <= maxSizeRatio)) {
      throw new ValidationException(
          String.format(
              Locale.ROOT,
              "gate missed: the output has %.4f of the input's bytes, and --max-size-ratio allows"
                  + " %.4f; the output was written",
              ratio,
              maxSizeRatio));
    }
  }
}

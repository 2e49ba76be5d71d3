package dev.monoquant.cli;

import dev.monoquant.Selector;
import dev.monoquant.core.control.CalibrationOptions;
import dev.monoquant.core.report.CalibrationReport;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code quant calibrate}. */
@Command(
    name = "calibrate",
    description = {
      "Runs a TorchScript model on samples and writes statistics of the inputs of its layers.",
      "",
      "The statistics are mean squares of columns, the range, and Gram matrices where asked for, as"
          + " calibrated methods need them. What the model computes does not change; its first outputs"
          + " are compared to the bit. This executes the code of the model, if all of it is known to"
          + " do nothing but compute, in a process of its own."
    },
    customSynopsis = "quant calibrate MODEL --sample FILE... [-o FILE] [OPTIONS]",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class CalibrateCommand implements Callable<Integer> {

  private static final String SUFFIX = ".calibration.safetensors";

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private final InputOptions input = new InputOptions();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description = "The file to write. Default: MODEL" + SUFFIX + ", without the ending of MODEL.")
  private @Nullable Path output;

  @Option(
      names = {"-f", "--force"},
      description = "Replace an existing calibration.")
  private boolean force;

  @Mixin private final SampleOptions samples = new SampleOptions();

  @Option(
      names = "--batch",
      paramLabel = "N",
      description =
          "Run samples in batches of this many rows of the first axis. Default: each sample at once.")
  private int batch;

  @Option(
      names = "--max-calls",
      paramLabel = "N",
      description = "Stop after this many calls of the model. Default: all samples.")
  private @Nullable Long mostCalls;

  @Option(
      names = "--observer",
      paramLabel = "NAME",
      description =
          "How ranges are found: static_minmax (least and greatest of all calls), minmax (moving"
              + " averages), or histogram (the range with the least error, in a second pass)."
              + " Default: static_minmax.")
  private String observer = CalibrationOptions.Range.STATIC_MINMAX.wire();

  @Option(
      names = "--layer",
      paramLabel = "PATTERN",
      description = "Observe the layers of this name only, a glob or re:. May be repeated.")
  private List<String> layers = new ArrayList<>();

  @Option(
      names = "--gram",
      paramLabel = "PATTERN",
      arity = "0..1",
      fallbackValue = "*",
      description =
          "Collect the Gram matrices of the layers of this name, or of all layers: four bytes for"
              + " each pair of columns. May be repeated.")
  private List<String> grams = new ArrayList<>();

  @Option(
      names = "--gram-memory",
      paramLabel = "SIZE",
      description =
          "Collect as many Gram matrices in one pass over the samples as fit in this memory, such"
              + " as 500m or 4g; the others follow in more passes. Default: 1g.")
  private @Nullable String gramMemory;

  @Option(
      names = "--resume",
      description = "Go on with an interrupted run of the same model, samples and options.")
  private boolean resume;

  @Option(names = "--json", description = "Print JSON instead of a table.")
  private boolean json;

  @Mixin private final ReadOptions reading = new ReadOptions();

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public Integer call() {
    run.requireNoWork();
    PrintWriter out = spec.commandLine().getOut();
    try (run;
        Talk talk = run.talk(spec.commandLine().getErr(), "observing")) {
      CalibrationReport report =
          samples
              .applyTo(reading.applyTo(run.quantizer(talk)))
              .calibrate(input.model(), options(), target(), force);
      talk.print(out, json, json ? report.toJson() : report.toTable());
      return 0;
    }
  }

  private CalibrationOptions options() {
    CalibrationOptions options =
        CalibrationOptions.DEFAULT
            .withLayers(layers.stream().map(Selector::parse).toList())
            .withProducts(grams.stream().map(Selector::parse).toList())
            .withRange(CalibrationOptions.Range.of(observer))
            .withBatch(batch)
            .withResume(resume);
    if (mostCalls != null) {
      options = options.withMostCalls(mostCalls);
    }
    return gramMemory == null
        ? options
        : options.withProductBytes(Quantity.bytes("--gram-memory", gramMemory, "4g"));
  }

  private Path target() {
    if (output != null) {
      return output;
    }
    Path name = input.path().toAbsolutePath().normalize().getFileName();
    String text = name == null ? "model" : name.toString();
    int dot = text.lastIndexOf('.');
    return input.path().resolveSibling((dot > 0 ? text.substring(0, dot) : text) + SUFFIX);
  }
}

package dev.monoquant.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.monoquant.OutputException;
import dev.monoquant.QuantException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.Rule;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.TuneOptions;
import dev.monoquant.core.recipe.Recipe;
import dev.monoquant.core.render.ReportForm;
import dev.monoquant.core.report.RunReport;
import dev.monoquant.core.report.TuneReport;
import dev.monoquant.core.report.TuneRunReport;
import dev.monoquant.spi.Calibration;
import dev.monoquant.spi.Hashing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code quant tune}. */
@Command(
    name = "tune",
    description = {
      "Chooses scheme and group of each layer of a TorchScript model for a target, and writes a"
          + " recipe.",
      "",
      "The cost of each option is measured through the model, with one layer quantized at a time in"
          + " the mode that will run. The chosen model runs too, and must meet a target of a cosine."
          + " This executes the code of the model, if all of it is known to do nothing but compute,"
          + " in a process of its own."
    },
    customSynopsis = "quant tune MODEL --sample FILE... --target-cosine C [-o RECIPE] [OPTIONS]",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TuneCommand implements Callable<Integer> {

  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private final InputOptions input = new InputOptions();

  @Option(
      names = "--target-cosine",
      paramLabel = "C",
      description = "The least cosine of the outputs, such as 0.999; the model becomes smallest.")
  private @Nullable Double cosine;

  @Option(
      names = "--target-size",
      paramLabel = "PART",
      description =
          "The most bytes of the tensors, as a part of the original, such as 0.2; the model becomes"
              + " as good as it can be.")
  private @Nullable Double size;

  @Option(
      names = "--target-bits",
      paramLabel = "BITS",
      description = "The most bits for each number of the weights, with scales, such as 4.6.")
  private @Nullable Double bits;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "RECIPE",
      description = "The recipe to write, JSON, for quantize --config. Default: none.")
  private @Nullable Path output;

  @Option(
      names = "--apply",
      paramLabel = "MODEL",
      description = "Quantize at once, into this file.")
  private @Nullable Path apply;

  @Option(
      names = {"-f", "--force"},
      description = "Replace existing files; never the input.")
  private boolean force;

  @Option(
      names = "--option",
      paramLabel = "NAME=VALUE",
      description = "An option for all layers, such as mode=dynamic. May be repeated.")
  private Map<String, String> options = new LinkedHashMap<>();

  @Option(
      names = "--exclude",
      paramLabel = "PATTERN",
      description = "Leave layers of this name or kind in float, a glob or re:. May be repeated.")
  private List<String> excluded = new ArrayList<>();

  @Option(
      names = "--max-runs",
      paramLabel = "N",
      description =
          "Measure at most this many options: one of each layer, the largest first, then further"
              + " ones. Layers that are not measured stay in float.")
  private @Nullable Long mostRuns;

  @Option(
      names = "--max-minutes",
      paramLabel = "N",
      description = "Measure for at most this many minutes.")
  private @Nullable Long mostMinutes;

  @Option(
      names = "--max-samples",
      paramLabel = "N",
      description = "Run on at most this many sample files, from the first. Default: all.")
  private @Nullable Long mostSamples;

  @Option(
      names = "--calibration",
      paramLabel = "FILE",
      description =
          "Statistics of the inputs of layers, as for quantize, such as for mode=static or"
              + " method=gptq. The recipe names it.")
  private @Nullable Path calibration;

  @Mixin private final SampleOptions samples = new SampleOptions();

  @Option(names = "--json", description = "Print JSON instead of tables.")
  private boolean json;

  @Mixin private final ReportOptions files = new ReportOptions();

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public Integer call() {
    requireFree("--output", output);
    requireFree("--apply", apply);
    if (output != null && apply != null) {
      ReportFile.requireApart("--output", output, input.path(), apply);
    }
    files.requireNone(
        ReportForm.JUNIT, "tune has no test cases. Name a report .html, .json or .md");
    List<Path> written = Stream.of(output, apply).filter(Objects::nonNull).toList();
    files.check(input.path(), written.isEmpty() ? List.of(input.path()) : written, force);
    try (run;
        Talk talk = run.talk(spec.commandLine().getErr(), "measuring")) {
      Quantizer quantizer = samples.applyTo(run.quantizer(talk));
      if (calibration == null) {
        return run(quantizer, talk);
      }
      try (Calibration opened = quantizer.openCalibration(calibration)) {
        return run(quantizer.withCalibration(opened), talk);
      }
    }
  }

  private int run(Quantizer quantizer, Talk talk) {
    long start = System.nanoTime();
    TuneReport report;
    try {
      report = quantizer.tune(input.model(), target());
    } catch (QuantException e) {
      tellFailed(e, start);
      throw e;
    }
    TuneRunReport all =
        new TuneRunReport(
            RunRecord.tool(),
            input.path().toString(),
            asked(),
            report,
            Duration.ofNanos(System.nanoTime() - start));
    // Measuring may take hours: what it found is shown and written before anything can fail.
    talk.print(spec.commandLine().getOut(), json, json ? all.toJson() : report.toTable());
    if (output != null) {
      write(output, GSON.toJson(recipe(report)) + "\n");
      talk.say("wrote " + output);
    }
    files.write(
        form -> form.render(all),
        "The model was measured"
            + (output == null ? ", but nothing was written" : "; the recipe was written"));
    if (apply != null) {
      quantizer.quantize(input.model(), report.config(), apply, force);
      talk.say("wrote " + apply);
    }
    return 0;
  }

  /** The choice with the calibration that it needs, by its path from the folder of the recipe. */
  private Map<String, Object> recipe(TuneReport report) {
    Map<String, Object> tree = new LinkedHashMap<>(Recipe.toTree(report.config()));
    if (calibration != null && output != null) {
      Path folder = Objects.requireNonNull(output.toAbsolutePath().normalize().getParent());
      Path file = calibration.toAbsolutePath().normalize();
      tree.put("calibration", folder.relativize(file).toString().replace('\\', '/'));
    }
    return tree;
  }

  /** Programs that read reports need the reason; it is printed last and sets the exit code. */
  private void tellFailed(QuantException why, long start) {
    RunReport failure =
        new RunRecord(input.path(), List.of(), Hashing.NONE, start).of(Failure.problems(why));
    try {
      files.write(form -> form.render(failure), "Nothing was");
    } catch (OutputException e) {
      Failure.say(spec.commandLine().getErr(), String.valueOf(e.getMessage()));
    }
  }

  private String asked() {
    return cosine != null
        ? "a cosine of at least " + cosine
        : size != null
            ? "at most " + size + " of the size of all tensors"
            : "at most " + bits + " bits for each number of the weights";
  }

  private TuneOptions target() {
    QuantizationConfig.Builder config = QuantizationConfig.builder();
    options.forEach(config::option);
    excluded.forEach(pattern -> config.rule(Rule.exclude(pattern)));
    return new TuneOptions(
        config.build(),
        number(cosine),
        number(size),
        number(bits),
        mostRuns == null ? OptionalLong.empty() : OptionalLong.of(mostRuns),
        mostMinutes == null ? OptionalLong.empty() : OptionalLong.of(60 * mostMinutes),
        mostSamples == null ? OptionalLong.empty() : OptionalLong.of(mostSamples));
  }

  private static OptionalDouble number(@Nullable Double value) {
    return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
  }

  private void requireFree(String option, @Nullable Path file) {
    if (file == null) {
      return;
    }
    ReportFile.requireApart(option, file, input.path(), input.path());
    if (Files.exists(file) && !force) {
      throw new OutputException(
          file + ": exists. Name another file, or allow to replace it with --force");
    }
    if (Files.isDirectory(file)) {
      throw new OutputException(option + " " + file + ": is a directory. Name a file in it");
    }
    Path parent = file.toAbsolutePath().normalize().getParent();
    if (parent == null || !Files.isDirectory(parent)) {
      throw new OutputException(
          option + " " + file + ": the folder " + parent + " does not exist. Make it first");
    }
  }

  private static void write(Path file, String text) {
    try {
      ReportFile.replace(file, text);
    } catch (IOException e) {
      throw new OutputException(file + ": the recipe cannot be written: " + e, e);
    }
  }
}

package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.recipe.RunRecipe;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.spi.Hashing;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code quant plan}. */
@Command(
    name = "plan",
    description = {
      "Plans an output that several machines write, in units of about equal work.",
      "Reads headers only. Writes the plan to a file, which quant run and quant join read, and makes"
          + " a folder beside the output that all units share."
    },
    customSynopsis = "quant plan INPUT -o OUTPUT --split N --plan FILE [OPTIONS]",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Example: quant plan llm -o llm-fp8 --scheme FP8_DYNAMIC --split 16 --plan plan.json",
    },
    sortOptions = false)
final class PlanCommand implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private final InputOptions input = new InputOptions();

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "OUTPUT",
      description = "A .safetensors file, a directory, or a .gguf file of a GGUF model.")
  private Path output = Path.of("");

  @Option(
      names = "--split",
      required = true,
      paramLabel = "N",
      description = "The number of units, numbered from 0.")
  private int split;

  @Option(
      names = "--plan",
      required = true,
      paramLabel = "FILE",
      description = "The file for the plan, JSON; an earlier plan is replaced.")
  private Path plan = Path.of("");

  @Mixin private final ConfigOptions config = new ConfigOptions();

  @Option(names = "--force", description = "Replace an existing output when the units are joined.")
  private boolean force;

  @Option(
      names = "--requantize",
      description =
          "Accept a model that is quantized already: decode its weights and quantize them again.")
  private boolean requantize;

  @Option(
      names = "--hash",
      paramLabel = "WHAT",
      description =
          "The hashes in the manifest: outputs (SHA-256 of all that is written; size and CRC32C of"
              + " the inputs) or all (SHA-256 of the inputs, too). Default: outputs.")
  private @Nullable String hash;

  @Mixin private final RemoteOptions remote = new RemoteOptions();

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public Integer call() {
    try (run;
        remote;
        Talk talk = run.talk(spec.commandLine().getErr(), "planning")) {
      Quantizer quantizer = run.quantizer(talk, remote).withRequantize(requantize);
      RunRecipe recipe = config.recipe(run.plugins());
      OutputArguments.requireNoOutputs(recipe);
      if (recipe.calibration().isPresent()) {
        throw new ConfigurationException(
            "the recipe has the calibration "
                + recipe.calibration().get()
                + ", which a plan of units does not hold. Leave it out, or use quant quantize");
      }
      Path model = input.path(run.paths());
      SplitPlanFile.check(plan, model, output);
      if (hash != null) {
        quantizer = quantizer.withHashing(Hashing.parse(hash));
      }
      if (split < 1) {
        throw new ConfigurationException("--split " + split + ": at least 1 unit is needed");
      }
      Output made = new Output(output, recipe.config().overrideWith(config.arguments()));
      SplitPlan planned = quantizer.units().plan(input.model(model), made, split, force);
      SplitPlanFile.write(plan, planned);
      talk.print(spec.commandLine().getOut(), false, table(planned));
      talk.say("planned " + output + ": run unit 0 to " + (split - 1) + " of " + plan);
      return 0;
    }
  }

  private static String table(SplitPlan plan) {
    StringBuilder out = new StringBuilder();
    out.append(
        String.format(
            Locale.ROOT,
            "%s: %d bytes in %d %s%n%n%8s %8s %16s %16s  %s%n",
            plan.output().path(),
            plan.bytes(),
            plan.files().size(),
            plan.files().size() == 1 ? "file" : "files",
            "unit",
            "tensors",
            "bytes read",
            "bytes written",
            "files"));
    for (int i = 0; i < plan.units().size(); i++) {
      SplitPlan.Unit unit = plan.units().get(i);
      out.append(
          String.format(
              Locale.ROOT,
              "%8d %8d %16d %16d  %d%n",
              i,
              unit.tensors().size(),
              unit.read(),
              unit.written(),
              unit.ranges().size()));
    }
    return out.toString();
  }
}

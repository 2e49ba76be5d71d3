package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Inspection;
import dev.monoquant.spi.ModelInput;
import dev.monoquant.spi.Plugins;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code quant inspect}. */
@Command(
    name = "inspect",
    description = "Shows the contents of a model, from its headers alone.",
    customSynopsis = "quant inspect INPUT [OPTIONS]",
    sortOptions = false,
    mixinStandardHelpOptions = true,
    footer = {"", "Example: quant inspect model.safetensors --hashes"})
final class InspectCommand implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin private final InputOptions input = new InputOptions();

  @Option(names = "--json", description = "Print JSON instead of a table.")
  private boolean json;

  @Option(
      names = "--hashes",
      description = "Also read every plain tensor and show the SHA-256 of its bytes.")
  private boolean hashes;

  @Option(
      names = "--input-format",
      paramLabel = "ID",
      description = "The format of INPUT, if it cannot be detected.")
  private @Nullable String inputFormat;

  @Mixin private final RemoteOptions remote = new RemoteOptions();

  @Mixin private final ReadOptions reading = new ReadOptions();

  @Mixin private final LimitOptions limits = new LimitOptions();

  @Mixin private final PluginOptions plugins = new PluginOptions();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (plugins;
        remote) {
      Plugins found = plugins.load();
      Quantizer quantizer = reading.applyTo(limits.applyTo(Quantizer.create()).withPlugins(found));
      if (inputFormat != null) {
        quantizer = quantizer.withInputFormat(inputFormat);
      }
      ModelInput model = input.model(input.path(remote.paths(found)));
      Inspection inspection =
          hashes ? quantizer.inspectWithHashes(model) : quantizer.inspect(model);
      if (json) {
        inspection.writeJson(out);
      } else {
        out.print(Terminal.HERE.show(inspection.toTable(Terminal.HERE.columns())));
      }
      out.flush();
      return 0;
    }
  }
}

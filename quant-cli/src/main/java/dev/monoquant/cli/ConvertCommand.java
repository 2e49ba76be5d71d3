package dev.monoquant.cli;

import dev.monoquant.spi.ModelInput;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code quant convert}. */
@Command(
    name = "convert",
    description = {
      "Writes the codes and scales of a quantized model in another format.",
      "Nothing is rounded again; a format that cannot hold them refuses.",
      "Prints the written files, one per line."
    },
    customSynopsis = "quant convert INPUT -o OUTPUT [OPTIONS]",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class ConvertCommand implements Callable<Integer> {

  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "INPUT", description = "A quantized file or directory.")
  private Path input = Path.of("");

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "OUTPUT",
      description = "A .safetensors file or a directory.")
  private Path output = Path.of("");

  @Option(
      names = "--format",
      paramLabel = "ID",
      description = "The output format. By default the name of OUTPUT decides.")
  private @Nullable String format;

  @Option(names = "--force", description = "Replace an existing output; never an input.")
  private boolean force;

  @Option(
      names = "--no-sync",
      description = "Do not wait for the disk: faster, but a power failure may lose the output.")
  private boolean noSync;

  @Mixin private final ReadOptions reading = new ReadOptions();

  @Mixin private final RunOptions run = new RunOptions();

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (run;
        Talk talk = run.talk(spec.commandLine().getErr(), "converting")) {
      List<Path> files =
          reading
              .applyTo(run.quantizer(talk))
              .withSync(!noSync)
              .convert(ModelInput.of(input), output, Optional.ofNullable(format), force);
      Interrupts.written();
      talk.clear();
      files.forEach(out::println);
      out.flush();
      talk.say("wrote " + output);
      return 0;
    }
  }
}

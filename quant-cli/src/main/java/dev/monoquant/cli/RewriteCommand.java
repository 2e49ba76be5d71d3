package dev.monoquant.cli;

import static java.util.stream.Collectors.joining;

import dev.monoquant.core.Quantizer;
import dev.monoquant.spi.ModelInput;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** A command that writes a quantized model in another form. */
abstract class RewriteCommand implements Callable<Integer> {

  private final String work;

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

  /**
   * Makes the command.
   *
   * @param work the work, for the progress line, such as {@code decoding}
   */
  RewriteCommand(String work) {
    this.work = work;
  }

  /** {@return the files that were written} */
  abstract List<Path> write(
      Quantizer quantizer, ModelInput input, Path output, Optional<String> format, boolean force);

  @Override
  public final Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (run;
        Talk talk = run.talk(spec.commandLine().getErr(), work)) {
      Quantizer quantizer = reading.applyTo(run.quantizer(talk)).withSync(!noSync);
      List<Path> files =
          write(quantizer, ModelInput.of(input), output, Optional.ofNullable(format), force);
      Interrupts.written();
      talk.print(
          out, false, files.stream().map(file -> file + System.lineSeparator()).collect(joining()));
      talk.summary();
      talk.say("wrote " + output);
      return 0;
    }
  }
}

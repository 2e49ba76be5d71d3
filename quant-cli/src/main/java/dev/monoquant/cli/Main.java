package dev.monoquant.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;

/**
 * The entry point of the {@code quant} command.
 *
 * <p>Results go to standard output, talk and progress to standard error. Exit codes: 0 done, 1
 * internal error, 2 usage, 3 input refused, 4 validation or gate failed, 5 output could not be
 * written, 130 interrupted.
 */
@Command(
    name = "quant",
    description = "Quantizes PyTorch models, without Python.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      QuantizeCommand.class,
      InspectCommand.class,
      CompareCommand.class,
      VerifyCommand.class,
      DequantizeCommand.class,
      PluginsCommand.class,
      DoctorCommand.class,
      AutoComplete.GenerateCompletion.class,
      HelpCommand.class
    },
    footer = {
      "",
      "Example: quant quantize model.safetensors -o model-int8.safetensors",
      "Exit codes: 0 done, 1 internal error, 2 usage, 3 input refused,",
      "  4 validation or gate failed, 5 output not written, 130 interrupted."
    })
public final class Main {

  private Main() {}

  /** Tells the version that is in the manifest of the jar. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {"quant " + (version == null ? "(development)" : version)};
    }
  }

  /**
   * Runs a command and ends the JVM with its exit code.
   *
   * @param args the command line
   */
  public static void main(String[] args) {
    PrintWriter out = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    Interrupts.install();
    int code = run(out, err, args);
    out.flush();
    Interrupts.finished();
    System.exit(code);
  }

  static int run(PrintWriter out, PrintWriter err, String... args) {
    return new CommandLine(new Main())
        .setOut(out)
        .setErr(err)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler(Failure::usage)
        .setExecutionExceptionHandler(Failure::execution)
        .execute(args.length == 0 ? new String[] {"--help"} : args);
  }
}

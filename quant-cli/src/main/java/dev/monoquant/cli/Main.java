package dev.monoquant.cli;

import dev.monoquant.core.Quantizer;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The entry point of the {@code quant} command.
 *
 * <p>Results go to standard output, messages and progress to standard error. Exit codes: 0 done, 1
 * internal error, 2 usage, 3 input refused, 4 validation or gate failed, 5 output could not be
 * written, 130 interrupted.
 */
@Command(
    name = "quant",
    description = "Quantizes PyTorch models, without Python.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "Example: quant quantize model.safetensors -o model-int8.safetensors",
      "Exit codes: 0 done, 1 internal error, 2 usage, 3 input refused,",
      "  4 validation or gate failed, 5 output not written, 130 interrupted."
    })
public final class Main {

  private static final List<Class<?>> COMMANDS =
      List.of(
          QuantizeCommand.class,
          PlanCommand.class,
          UnitCommand.class,
          JoinCommand.class,
          InspectCommand.class,
          CompareCommand.class,
          BenchCommand.class,
          CalibrateCommand.class,
          TuneCommand.class,
          VerifyCommand.class,
          DequantizeCommand.class,
          ConvertCommand.class,
          PluginsCommand.class,
          DoctorCommand.class,
          ShareClassesCommand.class);

  /** The options that show the list of commands or the version. */
  private static final Set<String> LIST = Set.of("--help", "-h", "--version", "-V");

  private static final String QUANTIZE = "quantize";

  private Main() {}

  /** Returns the version of the library. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"quant " + Quantizer.version()};
    }
  }

  /** A recipe may name the outputs: -o is not required, and the command checks it. */
  private static final class OutputsOfRecipe implements IDefaultValueProvider {
    @Override
    public @Nullable String defaultValue(ArgSpec arg) {
      return arg instanceof OptionSpec option && option.longestName().equals("--output")
          ? "."
          : null;
    }
  }

  /**
   * Runs a command and ends the JVM with its exit code.
   *
   * @param args the command line
   */
  public static void main(String[] args) {
    if (Arrays.asList(args).contains("--quiet")) {
      // Read when the first logger is created; warnings of plugins and of the engine go to standard
      // error.
      System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "error");
    }
    Results results = new Results(new FileOutputStream(FileDescriptor.out));
    PrintWriter out = new PrintWriter(results, false, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    Interrupts.install();
    int code = run(out, err, args);
    out.flush();
    if (code == 0 && results.lost()) {
      err.println("quant: the results could not be written to standard output: " + results.why());
      code = Failure.OUTPUT;
    }
    Interrupts.finished(code);
    System.exit(code);
  }

  /**
   * Runs a command in this JVM, for applications that start it elsewhere.
   *
   * @param out receives the results
   * @param err receives messages and progress
   * @param args the command line
   * @return the exit code
   */
  public static int run(PrintWriter out, PrintWriter err, String... args) {
    String[] words = args.length == 0 ? new String[] {"--help"} : args;
    CommandLine command = commandLine(words).setOut(new Printed(out)).setErr(err);
    try {
      return command.execute(sorted(command, words));
    } catch (VirtualMachineError | LinkageError | AssertionError e) {
      // picocli hands exceptions to Failure, and lets errors through.
      return Failure.error(e, err, args);
    }
  }

  /** Hands the arguments of each of several outputs to the command, and returns the others. */
  private static String[] sorted(CommandLine command, String... args) {
    CommandLine called = args[0].equals(QUANTIZE) ? command.getSubcommands().get(QUANTIZE) : null;
    if (called == null || !(called.getCommand() instanceof QuantizeCommand quantize)) {
      return args;
    }
    OutputArguments sorted =
        OutputArguments.of(called.getCommandSpec(), Arrays.asList(args).subList(1, args.length));
    quantize.several(sorted);
    List<String> all = new ArrayList<>(List.of(QUANTIZE));
    all.addAll(sorted.common());
    return all.toArray(String[]::new);
  }

  /**
   * Builds the called command, or all commands if none is called: picocli needs about 20 ms for
   * each. The list of all commands needs no more than their names and descriptions.
   */
  static CommandLine commandLine(String... args) {
    CommandLine top = new CommandLine(new Main());
    List<Class<?>> called =
        COMMANDS.stream().filter(c -> args.length > 0 && name(c).equals(args[0])).toList();
    if (args.length > 0 && LIST.contains(args[0])) {
      COMMANDS.forEach(c -> top.addSubcommand(name(c), listed(c.getAnnotation(Command.class))));
      top.addSubcommand(listed(AutoComplete.GenerateCompletion.class.getAnnotation(Command.class)));
      top.addSubcommand(HelpCommand.class);
    } else if (called.isEmpty()) {
      COMMANDS.forEach(top::addSubcommand);
      top.addSubcommand(AutoComplete.GenerateCompletion.class);
      top.addSubcommand(HelpCommand.class);
    } else {
      called.forEach(top::addSubcommand);
    }
    CommandLine quantize = top.getSubcommands().get(QUANTIZE);
    if (quantize != null) {
      if (Arrays.stream(args)
          .anyMatch(arg -> arg.equals("--config") || arg.startsWith("--config="))) {
        quantize.setDefaultValueProvider(new OutputsOfRecipe());
      }
      CommandSpec spec = quantize.getCommandSpec();
      new OptionGroups(spec, QuantizeCommand.GROUPS).show();
    }
    return NumberArgument.registerIn(top)
        .registerConverter(Path.class, new PathArgument.Converter())
        .setExpandAtFiles(false)
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler(new Failure.Handler())
        .setExecutionExceptionHandler(new Failure.Handler());
  }

  private static CommandSpec listed(Command command) {
    CommandSpec spec = CommandSpec.create().name(command.name());
    spec.usageMessage().description(command.description()).header(command.header());
    return spec;
  }

  private static String name(Class<?> command) {
    return command.getAnnotation(Command.class).name();
  }
}

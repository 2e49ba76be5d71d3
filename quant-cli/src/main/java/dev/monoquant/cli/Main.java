package dev.monoquant.cli;

import dev.monoquant.QuantException;
import dev.monoquant.core.Quantizer;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.TypeConversionException;

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
          InspectCommand.class,
          CompareCommand.class,
          BenchCommand.class,
          VerifyCommand.class,
          DequantizeCommand.class,
          ConvertCommand.class,
          PluginsCommand.class,
          DoctorCommand.class);

  private static final String QUANTIZE = "quantize";
  private static final char UNDECODABLE = '\ufffd';

  private Main() {}

  /** Returns the version of the library. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"quant " + Quantizer.version()};
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

  static int run(PrintWriter out, PrintWriter err, String... args) {
    CommandLine command = commandLine(args).setOut(out).setErr(err);
    try {
      return command.execute(args.length == 0 ? new String[] {"--help"} : sorted(command, args));
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
   * each.
   */
  static CommandLine commandLine(String... args) {
    CommandLine top = new CommandLine(new Main());
    List<Class<?>> called =
        COMMANDS.stream().filter(c -> args.length > 0 && name(c).equals(args[0])).toList();
    if (called.isEmpty()) {
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
        // A recipe may name the outputs: -o is not required, and the command checks it.
        quantize.setDefaultValueProvider(
            arg ->
                arg instanceof OptionSpec option && option.longestName().equals("--output")
                    ? "."
                    : null);
      }
      CommandSpec spec = quantize.getCommandSpec();
      new OptionGroups(spec, QuantizeCommand.GROUPS).show(spec);
    }
    return top.registerConverter(Path.class, Main::path)
        .setExpandAtFiles(false)
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler(Failure::usage)
        .setExecutionExceptionHandler(Failure::execution);
  }

  private static String name(Class<?> command) {
    return command.getAnnotation(Command.class).name();
  }

  static Path path(String text) {
    if (text.isBlank()) {
      throw new TypeConversionException("a path is needed, not an empty text");
    }
    if (text.equals("-")) {
      throw new TypeConversionException(
          "models and reports are files, and \"-\" would be standard input or output; a file of that"
              + " name is ./-, and --json prints a report");
    }
    try {
      Path path = Path.of(text);
      // Java replaces each byte of an argument that it cannot decode by this letter.
      if (text.indexOf(UNDECODABLE) < 0 || Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
        return path;
      }
    } catch (InvalidPathException e) {
      if (!e.getReason().contains("unmappable")) {
        throw new TypeConversionException("not a path: " + e.getReason());
      }
    }
    String encoding = System.getProperty("sun.jnu.encoding", "the encoding of file names");
    throw new TypeConversionException(
        QuantException.quote(text)
            + " is not valid in "
            + encoding
            + ", the encoding of file names here. Rename it, or set LC_ALL to a locale that has its"
            + " letters, such as C.UTF-8");
  }
}

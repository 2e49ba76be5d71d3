package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.Output;
import dev.monoquant.core.recipe.RunRecipe;
import dev.monoquant.spi.Plugins;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/**
 * A command line with several outputs, sorted. An option for what to quantize and how belongs to
 * the {@code -o} before it; before the first {@code -o} it applies to all outputs. All other
 * options apply to the run, wherever they are.
 *
 * <pre>
 * INPUT --exclude lm_head -o a --scheme FP8_DYNAMIC -o b --scheme W4A16 --force
 *       common            first output            second output         common
 * </pre>
 *
 * @param common the arguments for the run and for all outputs, and the first {@code -o}; if there
 *     is at most one output, all arguments
 * @param outputs the arguments of each output, its {@code -o} first; empty if there is at most one
 */
record OutputArguments(List<String> common, List<List<String>> outputs) {

  private static final String SHORT = "-o";
  private static final String LONG = "--output";

  /** The options of one output. */
  @Command(name = "output")
  private static final class OfOutput {

    @Option(
        names = {SHORT, LONG},
        required = true)
    private Path output = Path.of("");

    @Mixin private final ConfigOptions config = new ConfigOptions();
  }

  /**
   * Sorts arguments.
   *
   * @param command the options of the command
   * @param args its arguments
   */
  static OutputArguments of(CommandSpec command, List<String> args) {
    CommandSpec own = CommandSpec.forAnnotatedObject(new OfOutput());
    List<String> common = new ArrayList<>();
    List<List<String>> outputs = new ArrayList<>();
    for (int at = 0; at < args.size(); ) {
      int length = args.get(at).equals("--") ? args.size() - at : length(command, args, at);
      List<String> one = args.subList(at, at + length);
      String name = name(one.get(0));
      if (name.equals(SHORT) || name.equals(LONG)) {
        outputs.add(new ArrayList<>(one));
      } else if (!outputs.isEmpty() && own.findOption(name) != null) {
        outputs.get(outputs.size() - 1).addAll(one);
      } else {
        common.addAll(one);
      }
      at += length;
    }
    if (outputs.size() < 2) {
      return new OutputArguments(args, List.of());
    }
    // Options first: what follows "--" is no option.
    List<String> all =
        new ArrayList<>(outputs.get(0).subList(0, length(command, outputs.get(0), 0)));
    all.addAll(common);
    return new OutputArguments(all, outputs);
  }

  /** The name of an option without the value that is attached to it. */
  private static String name(String arg) {
    if (arg.startsWith(SHORT) && !arg.startsWith("--")) {
      return SHORT;
    }
    int end = arg.indexOf('=');
    return end < 0 ? arg : arg.substring(0, end);
  }

  /** How many arguments an option takes, itself included; 1 for anything else. */
  private static int length(CommandSpec command, List<String> args, int at) {
    String arg = args.get(at);
    OptionSpec option = command.findOption(name(arg));
    boolean attached = option == null || !name(arg).equals(arg) || option.arity().max() == 0;
    return attached || at + 1 == args.size() ? 1 : 2;
  }

  /**
   * The outputs.
   *
   * @param command the command, for messages
   * @param recipe the recipe for all outputs
   * @param calibration the calibration for all outputs
   * @param arguments the options for all outputs
   * @param plugins what recipes may name
   */
  List<Output> outputs(
      CommandLine command,
      QuantizationConfig recipe,
      Optional<Path> calibration,
      QuantizationConfig arguments,
      Plugins plugins) {
    List<Output> all = new ArrayList<>();
    for (List<String> args : outputs) {
      OfOutput output = new OfOutput();
      try {
        NumberArgument.registerIn(new CommandLine(output))
            .registerConverter(Path.class, new PathArgument.Converter())
            .setExpandAtFiles(false)
            .parseArgs(args.toArray(String[]::new));
      } catch (ParameterException e) {
        throw new ParameterException(command, String.valueOf(e.getMessage()), e);
      }
      RunRecipe own = output.config.recipe(plugins);
      requireNoOutputs(own);
      requireSame(own, calibration, output.output);
      all.add(
          new Output(
              output.output,
              recipe
                  .overrideWith(arguments)
                  .overrideWith(own.config())
                  .overrideWith(output.config.arguments())));
    }
    return all;
  }

  /** All outputs of a run have the same calibration. */
  private static void requireSame(RunRecipe own, Optional<Path> calibration, Path output) {
    Optional<Path> other = own.calibration().filter(path -> !calibration.equals(Optional.of(path)));
    if (other.isPresent()) {
      throw new ConfigurationException(
          "the recipe of "
              + output
              + " has the calibration "
              + other.get()
              + ", and the run has "
              + calibration.map(path -> "the calibration " + path).orElse("none")
              + ". Give one for all outputs with --calibration, or write "
              + output
              + " in a run of its own");
    }
  }

  /** Refuses a recipe that names outputs, if the command line does. */
  static void requireNoOutputs(RunRecipe recipe) {
    if (!recipe.outputs().isEmpty()) {
      throw new ConfigurationException(
          "the recipe says what to write, as "
              + recipe.outputs().get(0).target()
              + ", and so does -o. Leave -o away, or outputs out of the recipe");
    }
  }
}

package dev.monoquant.cli;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.OutputException;
import dev.monoquant.PlanException;
import dev.monoquant.PluginException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import java.util.concurrent.CancellationException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns failures into one line on standard error and an exit code. */
final class Failure {

  static final int INTERNAL = 1;
  static final int USAGE = 2;
  static final int INPUT = 3;
  static final int VALIDATION = 4;
  static final int OUTPUT = 5;
  static final int INTERRUPTED = 130;

  private Failure() {}

  /** The command line itself is wrong. */
  static int usage(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    command.getErr().println("quant: " + e.getMessage());
    UnmatchedArgumentException.printSuggestions(e, command.getErr());
    command.getErr().println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    return USAGE;
  }

  /** A command failed. */
  static int execution(Exception e, CommandLine command, ParseResult parsed) {
    if (e instanceof PlanException plan && plan.problems().size() > 1) {
      command.getErr().println("quant: the plan has problems:");
      for (Problem problem : plan.problems()) {
        command.getErr().println("  " + problem);
      }
    } else if (e instanceof QuantException || e instanceof CancellationException) {
      command.getErr().println("quant: " + e.getMessage());
    } else {
      command.getErr().println("quant: internal error: " + e);
      if (!verbose(command)) {
        command.getErr().println("Run again with --verbose for the details, and report them.");
      }
    }
    if (verbose(command)) {
      e.printStackTrace(command.getErr());
    }
    return code(e);
  }

  static int code(Exception e) {
    if (e instanceof ConfigurationException) {
      return USAGE;
    }
    if (e instanceof ModelFormatException || e instanceof PlanException) {
      return INPUT;
    }
    if (e instanceof ValidationException || e instanceof PluginException) {
      return VALIDATION;
    }
    if (e instanceof OutputException) {
      return OUTPUT;
    }
    return e instanceof CancellationException ? INTERRUPTED : INTERNAL;
  }

  private static boolean verbose(CommandLine command) {
    return command.getCommandSpec().userObject() instanceof Verbose v && v.verbose();
  }

  /** A command with the option {@code --verbose}. */
  interface Verbose {
    boolean verbose();
  }
}

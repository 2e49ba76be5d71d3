package dev.monoquant.cli;

import static java.util.stream.Collectors.groupingBy;

import dev.monoquant.ConfigurationException;
import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.Nearest;
import dev.monoquant.OutputException;
import dev.monoquant.PlanException;
import dev.monoquant.PluginException;
import dev.monoquant.Problem;
import dev.monoquant.QuantException;
import dev.monoquant.ValidationException;
import dev.monoquant.core.report.RunReport;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Converts failures to a few lines on standard error and an exit code. */
final class Failure {

  static final int INTERNAL = 1;
  static final int USAGE = 2;
  static final int INPUT = 3;
  static final int VALIDATION = 4;
  static final int OUTPUT = 5;

  private static final int NAMES_SHOWN = 3;

  /** The most problems that are shown, each of which names up to three weights. */
  private static final int LINES_SHOWN = 10;

  private Failure() {}

  /** Receives what fails in picocli and in commands. */
  static final class Handler implements IParameterExceptionHandler, IExecutionExceptionHandler {
    @Override
    public int handleParseException(ParameterException e, String[] args) {
      return usage(e, args);
    }

    @Override
    public int handleExecutionException(Exception e, CommandLine command, ParseResult parsed) {
      return execution(e, command);
    }
  }

  /** Reports a wrong command line. */
  private static int usage(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    boolean top = command.getParent() == null;
    if (e instanceof UnmatchedArgumentException unmatched && !unmatched.isUnknownOption()) {
      String first = unmatched.getUnmatched().get(0);
      if (top) {
        say(err, "there is no command " + QuantException.quote(InputArgument.shown(first)));
        Nearest.of(first, command.getSubcommands().keySet())
            .ifPresent(name -> err.println("Did you mean: quant " + name + "?"));
      } else {
        say(err, QuantException.quote(InputArgument.shown(first)) + " is one argument too many");
      }
    } else {
      Optional<String> unknown = unknownOption(command, args);
      say(
          err,
          unknown
              .map(o -> "Unknown option: '" + o + "'")
              .orElse(InputArgument.withoutSecrets(e.getMessage(), args)));
      if (unknown.isEmpty()) {
        UnmatchedArgumentException.printSuggestions(e, err);
      }
      unknown
          .flatMap(o -> Nearest.of(o, command.getCommandSpec().optionsMap().keySet()))
          .ifPresent(name -> err.println("Did you mean: " + name + "?"));
    }
    List<Problem> problems =
        List.of(Problem.error("", InputArgument.withoutSecrets(e.getMessage(), args), ""));
    print(command.getOut(), Arrays.asList(args).contains("--json"), problems);
    err.println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
    return USAGE;
  }

  /**
   * An unknown option may be the reason for a missing one; picocli reports the unknown option last.
   */
  private static Optional<String> unknownOption(CommandLine command, String[] args) {
    CommandSpec spec = command.getCommandSpec();
    return Arrays.stream(args)
        .takeWhile(arg -> !arg.equals("--"))
        .filter(arg -> arg.startsWith("--"))
        .map(arg -> arg.replaceFirst("=.*", ""))
        .filter(
            name -> spec.findOption(name) == null && !spec.negatedOptionsMap().containsKey(name))
        .findFirst();
  }

  /** {@return the reasons of a failure for reports, in the words of the command line} */
  static List<Problem> problems(Exception e) {
    if (e instanceof PlanException plan) {
      return plan.problems();
    }
    List<String> texts =
        e instanceof ConfigurationException wrong && !wrong.problems().isEmpty()
            ? wrong.problems()
            : List.of(
                code(e) == INTERNAL ? "internal error: " + e : String.valueOf(e.getMessage()));
    return texts.stream().map(text -> Problem.error("", inOptions(text), "")).toList();
  }

  /** Prints a failure as JSON, if JSON is asked for and nothing was printed. */
  private static void print(PrintWriter out, boolean json, List<Problem> problems) {
    if (json && out instanceof Printed printed && !printed.any()) {
      out.print(
          new RunReport(
                  RunRecord.tool(),
                  "",
                  List.of(),
                  List.of(),
                  Optional.empty(),
                  problems,
                  Optional.empty())
              .toJson());
      out.flush();
    }
  }

  /** Reports a failed command. */
  private static int execution(Exception e, CommandLine command) {
    PrintWriter err = command.getErr();
    boolean verbose = command.getParseResult().hasMatchedOption("--verbose");
    int code = Interrupts.requested() ? Interrupts.EXIT_CODE : code(e);
    print(command.getOut(), command.getParseResult().hasMatchedOption("--json"), problems(e));
    if (e instanceof PlanException plan) {
      sayProblems(err, plan.problems());
    } else if (e instanceof ConfigurationException wrong && wrong.problems().size() > 1) {
      sayAll(err, wrong.problems());
    } else if (e instanceof CancellationException
        || (code != Interrupts.EXIT_CODE && code != INTERNAL)) {
      String message = String.valueOf(e.getMessage());
      boolean limited =
          e instanceof ModelFormatException refused && refused.reason() == Reason.LIMIT;
      fail(
          err,
          limited && command.getCommandSpec().findOption("--limit") != null
              ? LimitOptions.withRemedy(message)
              : message);
    } else if (code == Interrupts.EXIT_CODE) {
      say(err, "interrupted");
    } else {
      fail(err, "internal error: " + e);
      if (!verbose) {
        err.println("Run again with --verbose for the details, and report them.");
      }
    }
    if (verbose) {
      e.printStackTrace(err);
    }
    return code;
  }

  /** Reports an error after which the JVM cannot continue. */
  static int error(Error e, PrintWriter err, String... args) {
    if (e instanceof InternalError && String.valueOf(e.getMessage()).contains("memory access")) {
      // The JVM throws this for a read beyond the end of a mapped file.
      say(
          err,
          "an input was made shorter by another program while it was read. Run again when nothing"
              + " writes to it.");
      return INPUT;
    }
    say(
        err,
        e instanceof OutOfMemoryError
            ? "out of memory: "
                + e.getMessage()
                + ". Give more, for example QUANT_OPTS=-Xmx2g, or use fewer --threads"
            : "internal error: " + e);
    if (Arrays.asList(args).contains("--verbose")) {
      e.printStackTrace(err);
    }
    return INTERNAL;
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
    return e instanceof CancellationException ? Interrupts.EXIT_CODE : INTERNAL;
  }

  /** Prints one line for each kind of problem, for any number of weights. */
  private static void sayProblems(PrintWriter err, List<Problem> all) {
    Map<String, List<Problem>> same =
        all.stream()
            .filter(p -> p.severity() == Problem.Severity.ERROR)
            .collect(
                groupingBy(
                    p -> p.message() + "\n" + p.remedy(), LinkedHashMap::new, Collectors.toList()));
    List<String> lines = same.values().stream().map(Failure::together).toList();
    if (lines.size() == 1) {
      fail(err, lines.get(0));
      return;
    }
    sayAll(err, lines);
  }

  private static void sayAll(PrintWriter err, List<String> lines) {
    say(err, lines.size() + " problems:");
    lines.stream()
        .limit(LINES_SHOWN)
        .forEach(line -> err.print(Terminal.MESSAGES.show("  " + oneLine(inOptions(line)))));
    if (lines.size() > LINES_SHOWN) {
      err.print(Terminal.MESSAGES.show("  and " + (lines.size() - LINES_SHOWN) + " more"));
    }
    err.flush();
    lines.forEach(line -> GitHub.HERE.annotate("error", oneLine(inOptions(line)), err));
  }

  private static String together(List<Problem> same) {
    Problem first = same.get(0);
    String subjects =
        same.stream().limit(NAMES_SHOWN).map(Problem::subject).collect(Collectors.joining(", "));
    int more = same.size() - NAMES_SHOWN;
    String subject = more > 0 ? subjects + " and " + more + " more" : subjects;
    return new Problem(first.severity(), subject, first.message(), first.remedy()).toString();
  }

  static void say(PrintWriter err, String message) {
    err.print(Terminal.MESSAGES.show("quant: " + oneLine(inOptions(message))));
    err.flush();
  }

  /** Prints a reason why the command failed. */
  private static void fail(PrintWriter err, String message) {
    say(err, message);
    GitHub.HERE.annotate("error", oneLine(inOptions(message)), err);
  }

  /**
   * Matches the settings of the libraries that messages name after the options, for embedding
   * applications.
   */
  private static final Pattern SETTING =
      Pattern.compile(" \\((with[A-Z][A-Za-z]{1,20}(\\([a-z]{0,5}\\))?|overwrite)\\)");

  static String inOptions(String message) {
    return SETTING.matcher(message).replaceAll("");
  }

  /**
   * Names in models and paths may contain control characters, which a terminal must not execute,
   * and what the runner of GitHub Actions takes for a command: {@code ::} after nothing but blanks,
   * and {@code ##[}.
   */
  static String oneLine(String text) {
    StringBuilder line = new StringBuilder(text.length());
    boolean start = true;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int point = text.codePointAt(i);
      boolean command =
          (start && text.startsWith("::", i)) || (c == '[' && text.startsWith("##", i - 2));
      start &= Character.isWhitespace(c) || Character.isSpaceChar(c);
      if (command || Character.isISOControl(c) || Character.getType(point) == Character.FORMAT) {
        line.append(String.format("\\u%04x", point));
      } else {
        line.appendCodePoint(point);
      }
      i += Character.charCount(point) - 1;
    }
    return line.toString();
  }
}

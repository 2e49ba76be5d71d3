package dev.monoquant.cli;

import dev.monoquant.core.control.Progress;
import java.io.Console;
import java.io.PrintWriter;
import java.util.regex.Pattern;

/**
 * Messages of a command on standard error, and its results on standard output. Closing removes the
 * progress bar.
 */
final class Talk implements AutoCloseable {

  private static final int USUAL_COLUMNS = 80;
  private static final Pattern TOLD = Pattern.compile("[0-9]{1,4}");

  private final PrintWriter err;
  private final boolean loud;
  private final boolean showsProgress;
  private final ProgressLine line;

  Talk(PrintWriter err, String work, boolean loud, boolean showsProgress) {
    this.err = err;
    this.loud = loud;
    this.showsProgress = showsProgress;
    this.line = new ProgressLine(err, work, columns(), System::nanoTime);
  }

  void say(String message) {
    if (loud) {
      line.clear();
      Failure.say(err, message);
    }
  }

  Progress progress() {
    return showsProgress ? line : Progress.NONE;
  }

  /** Says how long the command took, and at what speed it went through its input. */
  void summary() {
    say("took " + line.summary());
  }

  /**
   * Prints results, which {@code --quiet} leaves out.
   *
   * @param out standard output
   * @param requested whether an option requests them, such as {@code --json}: then they are always
   *     printed
   * @param text the results
   */
  void print(PrintWriter out, boolean requested, String text) {
    line.clear();
    if (loud || requested) {
      out.print(text);
      out.flush();
    }
  }

  @Override
  public void close() {
    line.clear();
  }

  /**
   * The columns of the terminal that standard error is, or 0. The launcher sets them; without it, a
   * console means that input and output are a terminal up to Java 21, and must be queried from 22
   * on.
   */
  @SuppressWarnings("SystemConsoleNull")
  private static int columns() {
    String term = System.getenv().getOrDefault("TERM", "dumb");
    if (term.equals("dumb") || System.getenv().containsKey("CI")) {
      return 0;
    }
    String told = System.getProperty("monoquant.terminal", "");
    if (!told.isEmpty()) {
      return TOLD.matcher(told).matches() ? Integer.parseInt(told) : 0;
    }
    Console console = System.console();
    if (console == null) {
      return 0;
    }
    try {
      boolean terminal = Boolean.TRUE.equals(Console.class.getMethod("isTerminal").invoke(console));
      return terminal ? USUAL_COLUMNS : 0;
    } catch (ReflectiveOperationException e) {
      return USUAL_COLUMNS;
    }
  }
}

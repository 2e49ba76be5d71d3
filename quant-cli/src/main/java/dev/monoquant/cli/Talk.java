package dev.monoquant.cli;

import dev.monoquant.core.control.Progress;
import java.io.Console;
import java.io.PrintWriter;

/**
 * Messages of a command on standard error, and its results on standard output. Closing removes the
 * progress bar.
 */
final class Talk implements AutoCloseable {

  private final PrintWriter err;
  private final boolean loud;
  private final boolean showsProgress;
  private final ProgressLine line;

  Talk(PrintWriter err, String work, boolean loud, boolean showsProgress) {
    this.err = err;
    this.loud = loud;
    this.showsProgress = showsProgress;
    this.line = new ProgressLine(err, work, onTerminal(), System::nanoTime);
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
   * Whether standard error is a terminal. The launcher sets this; without it, a console means that
   * input and output are a terminal up to Java 21, and must be queried from 22 on.
   */
  @SuppressWarnings("SystemConsoleNull")
  private static boolean onTerminal() {
    String term = System.getenv().getOrDefault("TERM", "dumb");
    if (term.equals("dumb") || System.getenv().containsKey("CI")) {
      return false;
    }
    String told = System.getProperty("monoquant.terminal", "");
    if (!told.isEmpty()) {
      return Boolean.parseBoolean(told);
    }
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      return Boolean.TRUE.equals(Console.class.getMethod("isTerminal").invoke(console));
    } catch (ReflectiveOperationException e) {
      return true;
    }
  }
}

package dev.monoquant.cli;

import dev.monoquant.core.Progress;
import java.io.Console;
import java.io.PrintWriter;
import java.util.Locale;

/**
 * Progress on standard error: a bar that is drawn over itself on a terminal; elsewhere, as in CI, a
 * line for every tenth and never more than one in ten seconds of the same tenth.
 */
final class ProgressLine implements Progress {

  private static final int WIDTH = 30;
  private static final long REDRAW_NANOS = 100_000_000L;

  private final PrintWriter err;
  private final boolean terminal;
  private final int step;
  private int lastPercent = -1;
  private long lastDraw;
  private Stage lastStage = Stage.SURVEYING;

  private ProgressLine(PrintWriter err, boolean terminal) {
    this.err = err;
    this.terminal = terminal;
    this.step = terminal ? 1 : 10;
  }

  static Progress on(PrintWriter err) {
    String term = System.getenv().getOrDefault("TERM", "dumb");
    boolean ci = System.getenv().containsKey("CI");
    return new ProgressLine(err, onTerminal() && !term.equals("dumb") && !ci);
  }

  /**
   * Whether somebody watches. Up to Java 21 there is a console only if input and output are both a
   * terminal; from 22 on there always is one, and it must be asked.
   */
  @SuppressWarnings("SystemConsoleNull")
  private static boolean onTerminal() {
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

  @Override
  public void update(Stage stage, long done, long total, String subject) {
    if (stage != lastStage) {
      lastStage = stage;
      lastPercent = -1;
    }
    if (stage == Stage.COMMITTING) {
      line(terminal ? "\r\u001b[Kflushing and checking" : "flushing and checking", false);
      if (terminal) {
        err.print("\r\u001b[K");
        err.flush();
      }
      return;
    }
    int percent = total == 0 ? 100 : (int) (100.0 * done / total);
    long now = System.nanoTime();
    boolean end = percent == 100;
    if (percent / step == lastPercent / step && lastPercent >= 0 && !end) {
      return;
    }
    if (terminal && !end && now - lastDraw < REDRAW_NANOS) {
      return;
    }
    if (end && lastPercent == 100) {
      return;
    }
    lastPercent = percent;
    lastDraw = now;
    String word = stage == Stage.SURVEYING ? "looking over" : "working";
    if (terminal) {
      int filled = WIDTH * percent / 100;
      String bar = "#".repeat(filled) + ".".repeat(WIDTH - filled);
      String name =
          subject.length() > 40 ? "..." + subject.substring(subject.length() - 37) : subject;
      line(
          String.format(Locale.ROOT, "\r\u001b[K%s [%s] %3d%% %s", word, bar, percent, name),
          false);
      if (end) {
        err.print("\r\u001b[K");
        err.flush();
      }
    } else {
      line(String.format(Locale.ROOT, "%s: %d%% of %.1f MB", word, percent, total / 1e6), true);
    }
  }

  private void line(String text, boolean newline) {
    if (newline || !terminal) {
      err.println(text);
    } else {
      err.print(text);
      err.flush();
    }
  }
}

package dev.monoquant.cli;

import dev.monoquant.core.control.Progress;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Progress on standard error. On a terminal it is a bar that is redrawn; otherwise, as in CI, a
 * line for every tenth, at least two seconds after the last line, and for every ten seconds. A
 * short run prints nothing.
 */
final class ProgressLine implements Progress {

  private static final int BAR = 10;

  private static final long REDRAW_NANOS = 100_000_000L;
  private static final long STEP_NANOS = 2_000_000_000L;

  private static final String ERASE = "\r\u001b[K";

  private final PrintWriter err;
  private final String work;
  private final boolean terminal;

  /** One less than the columns of the terminal, so that the cursor stays in the line. */
  private final int columns;

  private final LongSupplier clock;
  private boolean drawn;
  private boolean talked;

  /** The last line of a stage without numbers, which is told again and again. */
  private String said = "";

  private Stage stage = Stage.STATISTICS;
  private int tenth;
  private long last;

  private final long made;

  /** The bytes of the main stage that are done. */
  private long processed;

  /** The start of the stage. */
  private long began;

  /**
   * @param work the work of a run in its main stage, such as {@code quantizing}
   * @param terminal the columns of the terminal; 0 if it is none, so that lines cannot be redrawn
   * @param clock nanoseconds, as {@link System#nanoTime}
   */
  ProgressLine(PrintWriter err, String work, int terminal, LongSupplier clock) {
    this.err = err;
    this.work = work;
    this.terminal = terminal > 0;
    this.columns = Math.max(40, terminal) - 1;
    this.clock = clock;
    this.began = clock.getAsLong();
    this.made = began;
    this.last = began - (terminal > 0 ? REDRAW_NANOS : 0);
  }

  @Override
  public synchronized void update(Stage now, long done, long total, String subject) {
    if (now != stage) {
      stage = now;
      tenth = 0;
      began = clock.getAsLong();
    }
    if (now == Stage.PROCESSING) {
      processed = done;
    }
    int percent = total == 0 ? 100 : (int) (100.0 * done / total);
    if (stage == Stage.COMMITTING || (stage == Stage.RUNNING && total == 0)) {
      String what =
          stage == Stage.COMMITTING
              ? "flushing and checking"
              : "running: " + end(Failure.oneLine(subject), columns - 9);
      if (terminal) {
        draw(what);
      } else if (talked && !what.equals(said)) {
        err.println(what);
        said = what;
      }
    } else if (terminal) {
      bar(percent, done, total, subject);
    } else {
      line(percent, done, total);
    }
  }

  private void bar(int percent, long done, long total, String subject) {
    long time = clock.getAsLong();
    if (time - last < REDRAW_NANOS) {
      return;
    }
    last = time;
    int filled = BAR * percent / 100;
    String bar =
        String.format(
            Locale.ROOT,
            "%s [%s%s] %3d%% %s%s ",
            word(),
            "#".repeat(filled),
            ".".repeat(BAR - filled),
            percent,
            amount(total),
            pace(done, total));
    String text = bar + end(Failure.oneLine(subject), columns - bar.length());
    draw(text.substring(0, Math.min(text.length(), columns)));
  }

  private String amount(long total) {
    if (total == 0) {
      return "";
    }
    String counted = counted();
    return counted.isEmpty()
        ? String.format(Locale.ROOT, "of %.1f MiB", total / 0x1p20)
        : "of " + total + " " + counted + (total == 1 ? "" : "s");
  }

  /** {@return what the stage counts; empty if it counts bytes} */
  private String counted() {
    return switch (stage) {
      case RUNNING -> "sample";
      case TIMING -> "round";
      case OBSERVING -> "step";
      case STATISTICS, PROCESSING, COMMITTING -> "";
    };
  }

  /** The speed in this stage and the remaining time at that speed; empty at first. */
  private String pace(long done, long total) {
    double seconds = (clock.getAsLong() - began) / 1e9;
    if (seconds < 1 || done == 0 || total == 0) {
      return "";
    }
    long left = Math.round(seconds / done * (total - done));
    String counted = counted();
    String speed =
        counted.isEmpty()
            ? String.format(Locale.ROOT, ", %.1f MiB/s", done / 0x1p20 / seconds)
            : String.format(Locale.ROOT, ", %.1f %ss/s", done / seconds, counted);
    return speed + ", " + (left < 120 ? left + " s" : left / 60 + " min") + " left";
  }

  /** The end of a name, which is more informative than its beginning. */
  private static String end(String name, int letters) {
    if (letters < 4) {
      return "";
    }
    return name.length() <= letters ? name : "..." + name.substring(name.length() - letters + 3);
  }

  private void line(int percent, long done, long total) {
    long passed = clock.getAsLong() - last;
    boolean due = percent / 10 > tenth && passed >= STEP_NANOS;
    if (!due && passed < 5 * STEP_NANOS) {
      return;
    }
    tenth = percent / 10;
    last += passed;
    talked = true;
    err.println(
        String.format(
            Locale.ROOT, "%s: %d%% %s%s", word(), percent, amount(total), pace(done, total)));
  }

  /** {@return the time since this line was made, and the speed of the main stage} */
  synchronized String summary() {
    double seconds = (clock.getAsLong() - made) / 1e9;
    String time = String.format(Locale.ROOT, "%.1f s", seconds);
    return processed == 0 || seconds < 0.1
        ? time
        : time + String.format(Locale.ROOT, ", %.1f MiB/s", processed / 0x1p20 / seconds);
  }

  private String word() {
    return switch (stage) {
      case STATISTICS -> "looking over";
      case RUNNING -> "running";
      case TIMING -> "timing";
      case OBSERVING, PROCESSING, COMMITTING -> work;
    };
  }

  private void draw(String text) {
    drawn = true;
    err.print(ERASE + text);
    err.flush();
  }

  /** Removes the bar before other output. */
  synchronized void clear() {
    if (drawn) {
      drawn = false;
      err.print(ERASE);
      err.flush();
    }
  }
}

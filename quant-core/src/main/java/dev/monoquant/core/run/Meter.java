package dev.monoquant.core.run;

import dev.monoquant.core.control.Progress;

/** Adds up finished bytes and notifies the listener, one call at a time. */
public final class Meter {

  private final Progress progress;
  private final Progress.Stage stage;
  private final long total;
  private long done;

  public Meter(Progress progress, Progress.Stage stage, long total) {
    this.progress = progress;
    this.stage = stage;
    this.total = total;
  }

  public synchronized void add(long bytes, String subject) {
    done += bytes;
    progress.update(stage, done, total, subject);
  }
}

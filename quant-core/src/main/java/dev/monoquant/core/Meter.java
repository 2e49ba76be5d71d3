package dev.monoquant.core;

/** Adds up finished bytes and tells the listener, one call at a time. */
final class Meter {

  private final Progress progress;
  private final Progress.Stage stage;
  private final long total;
  private long done;

  Meter(Progress progress, Progress.Stage stage, long total) {
    this.progress = progress;
    this.stage = stage;
    this.total = total;
  }

  synchronized void add(long bytes, String subject) {
    done += bytes;
    progress.update(stage, done, total, subject);
  }
}

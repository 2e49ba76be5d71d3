package dev.monoquant.core;

import dev.monoquant.core.control.Progress;

/** Tells of the passes over the samples: those that are done, and calls of the one that runs. */
final class TunePasses implements Progress {

  private final Progress progress;
  private String subject = "";
  private long planned = 1;
  private long done;
  private long calls = 1;

  TunePasses(Progress progress) {
    this.progress = progress;
  }

  void plan(long passes) {
    planned = passes;
  }

  void begin(String next) {
    subject = next;
    update(Stage.OBSERVING, 0, calls, "");
  }

  @Override
  public void update(Stage stage, long at, long total, String text) {
    calls = Math.max(1, total);
    // How often a cosine is looked for is not known before.
    long all = Math.max(planned, done + 1);
    progress.update(Stage.OBSERVING, done * calls + at, all * calls, subject);
  }

  void end() {
    done++;
  }

  long done() {
    return done;
  }
}

package dev.monoquant.files.remote;

import java.io.InterruptedIOException;
import java.time.Duration;

/**
 * How often a failed request is made again, and after what time: twice as long each time.
 *
 * @param attempts attempts without a byte of progress, at least 1
 * @param first the time before the second attempt
 */
record Retries(int attempts, Duration first) {

  /** 6 attempts, the last some 15 seconds after the first. */
  static final Retries DEFAULT = new Retries(6, Duration.ofMillis(500));

  /**
   * Waits after a failure.
   *
   * @param failed the number of attempts that failed in a row
   * @throws InterruptedIOException if this thread is interrupted
   */
  void pause(int failed) throws InterruptedIOException {
    try {
      Thread.sleep(first.toMillis() << Math.min(failed - 1, 10));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }
}

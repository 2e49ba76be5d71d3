package dev.monoquant.files.remote;

import java.io.IOException;
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

  /** A request. */
  @FunctionalInterface
  interface Request<T> {
    T make() throws IOException;
  }

  /**
   * Makes a request until it succeeds, or has failed as often as allowed.
   *
   * @throws IOException the last failure
   */
  <T> T make(Request<T> request) throws IOException {
    for (int failed = 1; ; failed++) {
      try {
        return request.make();
      } catch (InterruptedIOException e) {
        throw e;
      } catch (IOException e) {
        pause(failed, e);
      }
    }
  }

  /**
   * Waits after a failure.
   *
   * @param failed the number of attempts that failed in a row
   * @param failure the last failure
   * @throws IOException the failure, if there are no more attempts
   */
  void pause(int failed, IOException failure) throws IOException {
    if (failed >= attempts) {
      throw failure;
    }
    try {
      Thread.sleep(first.toMillis() << Math.min(failed - 1, 10));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      InterruptedIOException interrupted = new InterruptedIOException("interrupted");
      interrupted.initCause(failure);
      throw interrupted;
    }
  }
}

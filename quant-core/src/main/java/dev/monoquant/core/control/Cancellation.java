package dev.monoquant.core.control;

import dev.monoquant.core.work.Workers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * Stops runs from another thread, such as that of a signal or a button; see {@link
 * dev.monoquant.core.Quantizer#withCancellation}. Thread-safe; for one use: a cancellation cannot
 * be reset.
 *
 * <p>A cancelled run has either already made its output visible, or never does: after {@link
 * #cancel} returns, no output becomes visible. The same is true for an interrupt: a run whose
 * thread is interrupted before its output becomes visible throws {@link CancellationException}; a
 * later interrupt has no effect on it.
 *
 * <p>What this does not do: it does not stop native code, such as the call of a model; the run ends
 * when that call returns.
 */
public final class Cancellation {

  private static final String MESSAGE = "interrupted; no output was made";

  /** Runs that make outputs visible hold the read lock; {@link #cancel} takes the write lock. */
  private final ReentrantReadWriteLock placing = new ReentrantReadWriteLock();

  private final List<Thread> running = new ArrayList<>();
  private volatile boolean cancelled;

  /** Makes a cancellation that is not yet triggered. */
  public Cancellation() {}

  /**
   * Work that returns a result.
   *
   * @param <T> the result
   */
  @FunctionalInterface
  public interface Work<T> {
    /**
     * Does the work.
     *
     * @return its result
     * @throws IOException if reading or writing fails
     */
    T call() throws IOException;
  }

  /**
   * Cancels all current and future runs and interrupts the threads of current ones. Waits for an
   * output that is becoming visible at this moment, which takes a few renames.
   */
  public void cancel() {
    placing.writeLock().lock();
    try {
      cancelled = true;
    } finally {
      placing.writeLock().unlock();
    }
    synchronized (running) {
      running.forEach(Thread::interrupt);
    }
  }

  /**
   * Runs work on the thread of the caller; {@link #cancel} interrupts it.
   *
   * @param work the work
   * @param <T> the type of its result
   * @return its result
   * @throws IOException if the work throws it
   * @throws CancellationException if this was cancelled, or the thread interrupted
   */
  public <T> T run(Work<T> work) throws IOException {
    synchronized (running) {
      running.add(Thread.currentThread());
    }
    try {
      check();
      return work.call();
    } catch (IOException e) {
      if (isStopped()) {
        // An interrupt closes open files, with one of several exceptions.
        throw (CancellationException) new CancellationException(MESSAGE).initCause(e);
      }
      throw e;
    } finally {
      synchronized (running) {
        running.remove(Thread.currentThread());
      }
    }
  }

  /**
   * Checks whether the work of this thread may continue.
   *
   * @throws CancellationException if this was cancelled, or the thread interrupted
   */
  public void check() {
    if (isStopped()) {
      throw new CancellationException(MESSAGE);
    }
  }

  private boolean isStopped() {
    return cancelled || Thread.currentThread().isInterrupted();
  }

  /**
   * Makes an output visible unless this was cancelled before. Runs on another thread, because an
   * interrupt of this one would close open files.
   *
   * @param work makes the output visible
   * @param <T> the type of its result
   * @return its result
   * @throws IOException if the work throws it
   * @throws CancellationException if this was cancelled, or the thread interrupted; nothing was
   *     done
   */
  public <T> T place(Work<T> work) throws IOException {
    placing.readLock().lock();
    try {
      check();
      return new Shielded<>(work).call();
    } finally {
      placing.readLock().unlock();
    }
  }

  /** Work that is not affected by an interrupt of the waiting thread. */
  private static final class Shielded<T> {

    private final Work<T> work;
    private @Nullable T result;
    private @Nullable Throwable failure;

    Shielded(Work<T> work) {
      this.work = work;
    }

    private void work() {
      try {
        result = work.call();
      } catch (Throwable e) {
        failure = e;
      }
    }

    @SuppressWarnings("NullAway") // The result is what the work returns.
    T call() throws IOException {
      Thread thread = new Thread(this::work, "quant-commit");
      thread.start();
      boolean interrupted = false;
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      Workers.rethrow(failure);
      return result;
    }
  }
}

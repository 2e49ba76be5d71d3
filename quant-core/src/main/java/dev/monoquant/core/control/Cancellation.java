package dev.monoquant.core.control;

import dev.monoquant.core.work.Workers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * Stops runs from another thread, such as that of a signal or of a button; see {@link
 * dev.monoquant.core.Quantizer#withCancellation}. Thread-safe; for one use: what is cancelled stays
 * so.
 *
 * <p>An output is put in place before a run is cancelled, or not at all: when {@link #cancel} has
 * returned, nothing is put in place any more. The same holds of an interrupt: a run whose thread is
 * interrupted before its output is put in place ends with {@link CancellationException}, and an
 * interrupt that comes later does not disturb it.
 *
 * <p>What this does not do: it does not stop native code, such as a call of a model that is run;
 * the run ends when that call returns.
 */
public final class Cancellation {

  private static final String MESSAGE = "interrupted; no output was made";

  /** Shared by those who put outputs in place, exclusive to who cancels. */
  private final ReentrantReadWriteLock placing = new ReentrantReadWriteLock();

  private final List<Thread> running = new ArrayList<>();
  private volatile boolean cancelled;

  /** Cancels nothing yet. */
  public Cancellation() {}

  /**
   * Work of which the end is a result.
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
   * Cancels the runs that are under way and all that would begin. Waits for an output that is being
   * put in place at this moment, which takes a few renames; the threads of the runs are
   * interrupted.
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
   * Does something that {@link #cancel} interrupts, on the thread of the caller.
   *
   * @param work what to do
   * @param <T> its result
   * @return its result
   * @throws IOException what it throws
   * @throws CancellationException if it was cancelled, or the thread interrupted
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
        // An interrupt closes the files that are worked on, with one of several exceptions.
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
   * Does nothing if the work of this thread is to go on.
   *
   * @throws CancellationException if it was cancelled, or the thread interrupted
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
   * Puts an output in place, unless it is cancelled before. It is done on another thread, since an
   * interrupt of this one would close the files that are worked on.
   *
   * @param work what puts it in place
   * @param <T> its result
   * @return its result
   * @throws IOException what it throws
   * @throws CancellationException if it was cancelled, or the thread interrupted; nothing was done
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

  /** Work that an interrupt of who waits for it does not reach. */
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

package dev.monoquant.core.work;

import dev.monoquant.ModelFormatException;
import dev.monoquant.ModelFormatException.Reason;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.Kernels;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * Runs jobs on several threads, started in order, and stops after a failure. The threads have the
 * kernels of the calling thread.
 *
 * <p>If several jobs fail, the failure of the earliest job is thrown, whichever happened first.
 * Jobs are handed out in order and each runs to its end, so the earliest failing job always runs:
 * the same input gives the same message on any number of threads.
 *
 * <p>The calling thread waits. If it is interrupted the workers are interrupted too, and {@link
 * CancellationException} is thrown when they have stopped, with the interrupt flag set again.
 */
public final class Workers {

  /** Hands out jobs; called by one thread at a time. */
  @FunctionalInterface
  public interface Jobs {
    /** The next job, or null if there are no more. */
    @Nullable Job next() throws IOException;
  }

  /** A piece of work. */
  @FunctionalInterface
  public interface Job {
    public void run(TileBuffers buffers) throws IOException;
  }

  private final int threads;
  private final String model;

  /**
   * @param model the model that is read, for messages
   */
  public Workers(int threads, String model) {
    this.threads = threads;
    this.model = model;
  }

  /** Runs the jobs of a list, in its order. */
  public void runAll(List<Job> jobs) throws IOException {
    Iterator<Job> iterator = jobs.iterator();
    run(() -> iterator.hasNext() ? iterator.next() : null);
  }

  public void run(Jobs jobs) throws IOException {
    Run run = new Run(jobs);
    Kernels kernels = BoundKernels.bound();
    List<Thread> pool = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      Thread thread = new Thread(() -> BoundKernels.with(kernels, run::work), "quant-worker-" + i);
      thread.setDaemon(true);
      thread.start();
      pool.add(thread);
    }
    boolean interrupted = false;
    for (Thread thread : pool) {
      for (boolean done = false; !done; ) {
        try {
          thread.join();
          done = true;
        } catch (InterruptedException e) {
          interrupted = true;
          run.stop();
          pool.forEach(Thread::interrupt);
        }
      }
    }
    // Joining a thread that has ended already does not notice an interrupt.
    if (interrupted || Thread.interrupted()) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted; no output was made");
    }
    rethrow(named(run.failure()));
  }

  private @Nullable Throwable named(@Nullable Throwable failure) {
    if (failure == null || !isShorterFile(failure)) {
      return failure;
    }
    ModelFormatException shorter =
        new ModelFormatException(
            Reason.UNREADABLE,
            model,
            "",
            "was made shorter by another program while it was read. Run again when nothing writes"
                + " to it.");
    shorter.initCause(failure);
    return shorter;
  }

  /**
   * The JVM answers a read beyond the end of a mapped file with an InternalError, at the next place
   * where it can. If that is where a channel begins to write, the channel ends with another one: it
   * removes a thread, number -1, that it has not added yet.
   */
  private static boolean isShorterFile(Throwable failure) {
    StackTraceElement[] trace = failure.getStackTrace();
    return failure instanceof InternalError
        || (failure instanceof IndexOutOfBoundsException
            && trace.length > 0
            && trace[0].getClassName().equals("sun.nio.ch.NativeThreadSet"));
  }

  /** The state shared by the threads of one run; its own lock guards the jobs and all state. */
  private static final class Run {

    private final Jobs jobs;
    private long handedOut;
    private boolean stopped;
    private long failedAt = Long.MAX_VALUE;
    private @Nullable Throwable failure;

    Run(Jobs jobs) {
      this.jobs = jobs;
    }

    /** Works until there are no more jobs or one has failed; returns whether this thread failed. */
    boolean work() {
      TileBuffers buffers = new TileBuffers();
      long number = Long.MAX_VALUE;
      try {
        while (true) {
          Job job;
          synchronized (this) {
            if (stopped) {
              return false;
            }
            number = handedOut++;
            job = jobs.next();
          }
          if (job == null) {
            return false;
          }
          job.run(buffers);
        }
      } catch (Throwable e) {
        // Any failure, including OutOfMemoryError: the calling thread rethrows it.
        fail(number, e);
        return true;
      }
    }

    synchronized void stop() {
      stopped = true;
    }

    synchronized @Nullable Throwable failure() {
      return failure;
    }

    private synchronized void fail(long number, Throwable thrown) {
      stopped = true;
      if (number < failedAt) {
        failedAt = number;
        failure = thrown;
      }
    }
  }

  /** Rethrows the failure of one thread in another; does nothing for null. */
  public static void rethrow(@Nullable Throwable failure) throws IOException {
    if (failure instanceof IOException e) {
      throw e;
    }
    if (failure instanceof RuntimeException e) {
      throw e;
    }
    if (failure instanceof Error e) {
      throw e;
    }
    if (failure != null) {
      throw new IllegalStateException(failure);
    }
  }
}

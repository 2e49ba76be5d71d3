package dev.monoquant.core;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Runs jobs on some threads, in order of their start, and stops at the first failure.
 *
 * <p>The calling thread waits. If it is interrupted the workers are interrupted too, and {@link
 * CancellationException} is thrown when they have stopped, with the interrupt flag set again.
 */
final class Workers {

  /** Hands out jobs; called by one thread at a time. */
  @FunctionalInterface
  interface Jobs {
    /** The next job, or null if there are no more. */
    @Nullable Job next() throws IOException;
  }

  /** A piece of work. */
  @FunctionalInterface
  interface Job {
    void run(TileBuffers buffers) throws IOException;
  }

  private final int threads;

  Workers(int threads) {
    this.threads = threads;
  }

  void run(Jobs jobs) throws IOException {
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    List<Thread> pool = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      Thread thread = new Thread(() -> work(jobs, failure), "quant-worker-" + i);
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
          failure.compareAndSet(null, new CancellationException("interrupted"));
          pool.forEach(Thread::interrupt);
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted; no output was made");
    }
    rethrow(failure.get());
  }

  private static void work(Jobs jobs, AtomicReference<@Nullable Throwable> failure) {
    TileBuffers buffers = new TileBuffers();
    try {
      while (failure.get() == null) {
        Job job;
        synchronized (jobs) {
          job = jobs.next();
        }
        if (job == null) {
          return;
        }
        job.run(buffers);
      }
    } catch (Throwable e) {
      // Whatever it is, an OutOfMemoryError too: the calling thread throws it on.
      failure.compareAndSet(null, e);
    }
  }

  private static void rethrow(@Nullable Throwable failure) throws IOException {
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

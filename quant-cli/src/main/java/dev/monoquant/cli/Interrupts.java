package dev.monoquant.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** On Ctrl-C, interrupts the run and gives it a moment to remove its temporary files. */
final class Interrupts {

  private static final CountDownLatch DONE = new CountDownLatch(1);
  private static volatile boolean requested;

  private Interrupts() {}

  static void install() {
    Thread main = Thread.currentThread();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  if (DONE.getCount() == 0) {
                    return;
                  }
                  requested = true;
                  main.interrupt();
                  await();
                  Runtime.getRuntime().halt(Failure.INTERRUPTED);
                },
                "quant-interrupt"));
  }

  /** A tile takes milliseconds; a run that does not answer at all must not hold the user up. */
  private static void await() {
    try {
      boolean cleaned = DONE.await(20, TimeUnit.SECONDS);
      if (!cleaned) {
        System.err.println("quant: the run did not stop; a hidden temporary file may be left over");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether the user has pressed Ctrl-C, or the process was asked to end. */
  static boolean requested() {
    return requested;
  }

  static void finished() {
    DONE.countDown();
  }
}

package dev.monoquant.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** On Ctrl-C, interrupts the run and gives it a moment to remove its temporary files. */
final class Interrupts {

  private static final CountDownLatch DONE = new CountDownLatch(1);

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
                  main.interrupt();
                  boolean cleaned = await();
                  Runtime.getRuntime().halt(cleaned ? Failure.INTERRUPTED : Failure.INTERNAL);
                },
                "quant-interrupt"));
  }

  private static boolean await() {
    try {
      return DONE.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      return false;
    }
  }

  static void finished() {
    DONE.countDown();
  }
}

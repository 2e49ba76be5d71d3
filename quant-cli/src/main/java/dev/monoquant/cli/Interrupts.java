package dev.monoquant.cli;

import dev.monoquant.core.control.Cancellation;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * On Ctrl-C, and when the process is asked to end, cancels the run and gives it time to remove its
 * temporary files.
 *
 * <p>The exit code is 130 if the output was not made visible, and that of the command if it was
 * made visible just before.
 */
final class Interrupts {

  static final int EXIT_CODE = 130;

  private static final CountDownLatch DONE = new CountDownLatch(1);
  private static final Cancellation CANCELLATION = new Cancellation();
  private static volatile boolean requested;
  private static volatile int code = EXIT_CODE;

  /** Guarded by this class. */
  private static boolean written;

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
                  cancel(main);
                  boolean ended = await();
                  Runtime.getRuntime().halt(ended ? code : EXIT_CODE);
                },
                "quant-interrupt"));
  }

  /** The cancellation used by every command that writes outputs. */
  static Cancellation cancellation() {
    return CANCELLATION;
  }

  private static void cancel(Thread main) {
    // The call waits for an output that is becoming visible, and a disk may hang.
    Thread canceller = new Thread(CANCELLATION::cancel, "quant-cancel");
    canceller.setDaemon(true);
    canceller.start();
    synchronized (Interrupts.class) {
      if (!written) {
        requested = true;
        main.interrupt();
      }
    }
  }

  /** A tile takes milliseconds; a run that does not react must not block the user. */
  private static boolean await() {
    try {
      boolean cleaned = DONE.await(20, TimeUnit.SECONDS);
      if (!cleaned) {
        System.err.println("quant: the run did not stop; a hidden temporary file may be left over");
      }
      return cleaned;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /**
   * Whether the user pressed Ctrl-C, or the process was asked to end, before the output was
   * visible.
   */
  static boolean requested() {
    return requested;
  }

  /** The output is visible: remaining work, such as the report, is not interrupted. */
  static synchronized void written() {
    written = true;
    requested = false;
    // The interrupt may have come after the output was visible.
    Thread.interrupted();
  }

  static void finished(int exitCode) {
    code = exitCode;
    DONE.countDown();
  }
}

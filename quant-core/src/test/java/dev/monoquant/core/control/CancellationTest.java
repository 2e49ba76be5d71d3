package dev.monoquant.core.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CancellationTest {

  private final Cancellation cancellation = new Cancellation();
  private final AtomicBoolean placed = new AtomicBoolean();

  @AfterEach
  void noInterruptGoesToTheNextTest() {
    boolean ignored = Thread.interrupted();
  }

  private String place() throws IOException {
    return cancellation.place(
        () -> {
          placed.set(true);
          return "done";
        });
  }

  @Test
  void whatIsNotCancelledIsPlaced() throws IOException {
    assertThat(cancellation.run(this::place)).isEqualTo("done");
    assertThat(placed).isTrue();
  }

  @Test
  void nothingIsPlacedAfterACancel() {
    cancellation.cancel();
    assertThatThrownBy(this::place).isInstanceOf(CancellationException.class);
    assertThatThrownBy(() -> cancellation.run(this::place))
        .isInstanceOf(CancellationException.class)
        .hasMessage("interrupted; no output was made");
    assertThat(placed).isFalse();
  }

  @Test
  void nothingIsPlacedAfterAnInterruptAndTheFlagStays() {
    Thread.currentThread().interrupt();
    assertThatThrownBy(this::place).isInstanceOf(CancellationException.class);
    assertThat(placed).isFalse();
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void cancellingInterruptsTheRunsUnderWayAndNoThreadAfterwards() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    AtomicBoolean interrupted = new AtomicBoolean();
    AtomicBoolean later = new AtomicBoolean();
    CountDownLatch cancelled = new CountDownLatch(1);
    Thread run =
        new Thread(
            () -> {
              try {
                cancellation.run(
                    () -> {
                      started.countDown();
                      try {
                        Thread.sleep(50_000);
                      } catch (InterruptedException e) {
                        interrupted.set(true);
                      }
                      return "";
                    });
                cancelled.await();
                later.set(Thread.interrupted());
              } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    run.start();
    started.await();
    cancellation.cancel();
    cancellation.cancel();
    cancelled.countDown();
    run.join();
    assertThat(interrupted).isTrue();
    assertThat(later).isFalse();
  }

  /** Files are closed by an interrupt of the thread that works on them. */
  @Test
  void anInterruptDoesNotReachWhatIsBeingPlaced() throws IOException {
    Thread caller = Thread.currentThread();
    String result =
        cancellation.place(
            () -> {
              caller.interrupt();
              if (Thread.currentThread().isInterrupted()) {
                throw new IOException("interrupted half way");
              }
              return "done";
            });
    assertThat(result).isEqualTo("done");
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void cancellingWaitsForWhatIsBeingPlaced() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    AtomicBoolean wasPlacedFirst = new AtomicBoolean();
    Thread canceller =
        new Thread(
            () -> {
              try {
                begun.await();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              go.countDown();
              cancellation.cancel();
              wasPlacedFirst.set(placed.get());
            });
    canceller.start();
    String result =
        cancellation.place(
            () -> {
              begun.countDown();
              await(go);
              // Long enough for the other to overtake, if it could.
              await(new CountDownLatch(1), 200);
              placed.set(true);
              return "done";
            });
    canceller.join();
    assertThat(result).isEqualTo("done");
    assertThat(wasPlacedFirst).isTrue();
    assertThatThrownBy(this::place).isInstanceOf(CancellationException.class);
  }

  private static void await(CountDownLatch latch) {
    await(latch, 10_000);
  }

  private static void await(CountDownLatch latch, long millis) {
    try {
      boolean ignored = latch.await(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aFileThatAnInterruptHasClosedIsNoFailure() {
    IOException closed = new java.nio.channels.ClosedByInterruptException();
    assertThatThrownBy(
            () ->
                cancellation.run(
                    () -> {
                      Thread.currentThread().interrupt();
                      throw closed;
                    }))
        .isInstanceOf(CancellationException.class)
        .hasCause(closed);
    assertThat(Thread.interrupted()).isTrue();
    assertThatThrownBy(
            () ->
                cancellation.run(
                    () -> {
                      throw closed;
                    }))
        .isSameAs(closed);
  }

  @Test
  void whatFailsIsThrownOn() {
    IOException disk = new IOException("disk");
    assertThatThrownBy(
            () ->
                cancellation.place(
                    () -> {
                      throw disk;
                    }))
        .isSameAs(disk);
    assertThatThrownBy(
            () ->
                cancellation.place(
                    () -> {
                      throw new IllegalStateException("bug");
                    }))
        .isInstanceOf(IllegalStateException.class);
  }
}

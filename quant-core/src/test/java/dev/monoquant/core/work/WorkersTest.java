package dev.monoquant.core.work;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class WorkersTest {

  @Test
  void everyJobRunsOnce() throws Exception {
    AtomicInteger next = new AtomicInteger();
    AtomicInteger sum = new AtomicInteger();

    new Workers(3, "m")
        .run(
            () -> {
              int number = next.getAndIncrement();
              return number < 100 ? buffers -> sum.addAndGet(number) : null;
            });

    assertThat(sum).hasValue(99 * 100 / 2);
  }

  @Test
  void theFailureOfTheEarliestJobIsThrownThoughALaterOneFailedFirst() {
    CountDownLatch laterFailed = new CountDownLatch(1);
    AtomicInteger next = new AtomicInteger();

    assertThatThrownBy(
            () ->
                new Workers(2, "m")
                    .run(
                        () -> {
                          int number = next.getAndIncrement();
                          return buffers -> {
                            if (number == 0) {
                              await(laterFailed);
                            } else {
                              laterFailed.countDown();
                            }
                            throw new IllegalArgumentException("job " + number);
                          };
                        }))
        .hasMessage("job 0");
  }

  @Test
  void afterAFailureNoFurtherJobIsStarted() {
    AtomicInteger started = new AtomicInteger();

    assertThatThrownBy(
            () ->
                new Workers(1, "m")
                    .run(
                        () ->
                            buffers -> {
                              if (started.incrementAndGet() == 3) {
                                throw new OutOfMemoryError("third");
                              }
                            }))
        .isInstanceOf(OutOfMemoryError.class);
    assertThat(started).hasValue(3);
  }

  @Test
  void anInterruptStopsTheWorkersAndStaysSet() {
    CountDownLatch never = new CountDownLatch(1);
    Thread caller = Thread.currentThread();

    assertThatThrownBy(
            () ->
                new Workers(2, "m")
                    .run(
                        () ->
                            buffers -> {
                              caller.interrupt();
                              await(never);
                            }))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}

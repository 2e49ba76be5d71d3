package dev.monoquant.core.work;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.monoquant.ModelFormatException;
import java.io.IOException;
import java.util.List;
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

  /** What the JVM throws for a mapped file that was made shorter, also while a channel writes. */
  @Test
  void aShorterFileIsNamed() {
    IndexOutOfBoundsException hidden = new ArrayIndexOutOfBoundsException(-1);
    hidden.setStackTrace(
        new StackTraceElement[] {
          new StackTraceElement("sun.nio.ch.NativeThreadSet", "remove", "NativeThreadSet.java", 75)
        });
    for (Throwable failure : List.of(new InternalError("memory access"), hidden)) {
      assertThatThrownBy(() -> failing(failure))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("m: was made shorter")
          .hasCause(failure);
    }
    assertThatThrownBy(() -> failing(new ArrayIndexOutOfBoundsException(-1)))
        .isInstanceOf(ArrayIndexOutOfBoundsException.class);
  }

  private static void failing(Throwable failure) throws IOException {
    new Workers(1, "m")
        .run(
            () ->
                buffers -> {
                  if (failure instanceof Error error) {
                    throw error;
                  }
                  throw (RuntimeException) failure;
                });
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

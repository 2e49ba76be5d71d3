package dev.monoquant.spark;

import static java.util.Objects.requireNonNull;

import dev.monoquant.QuantException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.Cancellation;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import java.io.Serializable;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.LongAccumulator;

/**
 * Writes one unit in an executor. Spark may run it again, also twice at the same time: each attempt
 * writes the same bytes at the same places.
 */
final class UnitTask implements Function<Integer, UnitTask.Done> {

  private static final long serialVersionUID = 1L;

  private final Broadcast<String> plan;
  private final LongAccumulator read;
  private final LongAccumulator found;
  private final int threads;

  UnitTask(Broadcast<String> plan, LongAccumulator read, LongAccumulator found, int threads) {
    this.plan = plan;
    this.read = read;
    this.found = found;
    this.threads = threads;
  }

  /**
   * A unit that is complete.
   *
   * @param unit its number
   * @param wasComplete whether an earlier attempt or run had written it
   */
  record Done(int unit, boolean wasComplete) implements Serializable {}

  /**
   * Why a unit could not be written. Reasons of the library itself may hold values that Java cannot
   * send to the driver.
   */
  static final class Failed extends RuntimeException {

    private static final long serialVersionUID = 1L;

    Failed(String message) {
      super(message);
    }
  }

  @Override
  public Done call(Integer unit) {
    SplitPlan whole = SplitPlanJson.parse(plan.value(), "the plan of the driver");
    TaskContext task = requireNonNull(TaskContext.get());
    Cancellation cancellation = new Cancellation();
    ReadBytes progress = new ReadBytes(read);
    Quantizer quantizer =
        Quantizer.create()
            .withThreads(threads)
            .withCancellation(cancellation)
            .withProgress(
                (stage, done, total, subject) -> {
                  if (task.isInterrupted()) {
                    cancellation.cancel();
                  }
                  progress.update(done);
                });
    try {
      boolean wasComplete = quantizer.units().run(whole, unit).isEmpty();
      if (wasComplete) {
        found.add(1);
      }
      return new Done(unit, wasComplete);
    } catch (QuantException e) {
      Failed failed = new Failed("unit " + unit + ": " + e.getMessage());
      failed.setStackTrace(e.getStackTrace());
      throw failed;
    }
  }

  /** Adds what was read since the last report; Spark sends the sum to the driver now and then. */
  private static final class ReadBytes {

    private final LongAccumulator sum;
    private long last;

    ReadBytes(LongAccumulator sum) {
      this.sum = sum;
    }

    /** A stage begins with 0 again. */
    synchronized void update(long done) {
      if (done > last) {
        sum.add(done - last);
      }
      last = done;
    }
  }
}

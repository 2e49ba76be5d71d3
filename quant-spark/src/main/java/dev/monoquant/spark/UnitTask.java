package dev.monoquant.spark;

import static java.util.Objects.requireNonNull;

import dev.monoquant.QuantException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.control.Cancellation;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import dev.monoquant.files.remote.StagedFiles;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
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
  private final Broadcast<Staging> staging;
  private final int threads;

  UnitTask(
      Broadcast<String> plan,
      Broadcast<Staging> staging,
      LongAccumulator read,
      LongAccumulator found,
      int threads) {
    this.plan = plan;
    this.staging = staging;
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
  public Done call(Integer unit) throws IOException {
    SplitPlan whole = SplitPlanJson.parse(plan.value(), "the plan of the driver");
    Staging local = staging.value();
    try (StagedFiles inputs = local.inputs()) {
      Quantizer quantizer = watched(Staging.quantizer(inputs));
      boolean wasComplete =
          local.address().isEmpty()
              ? quantizer.units().run(whole, unit).isEmpty()
              : sent(quantizer, whole, unit, local, local.address().get());
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

  /** Writes the unit on a disk of this machine and sends it; true if it was there before. */
  private static boolean sent(
      Quantizer quantizer, SplitPlan whole, int unit, Staging local, String address)
      throws IOException {
    HadoopOutput output = HadoopOutput.of(address, whole, local.configuration());
    if (output.has(unit)) {
      return true;
    }
    Path folder = local.fresh();
    try {
      SplitPlan here = whole.withTarget(folder.resolve(whole.name()));
      quantizer.units().begin(here);
      quantizer.withSync(false).units().run(here, unit);
      output.send(new UnitParcel(here, unit));
      return false;
    } finally {
      Staging.delete(folder);
    }
  }

  private Quantizer watched(Quantizer quantizer) {
    TaskContext task = requireNonNull(TaskContext.get());
    Cancellation cancellation = new Cancellation();
    ReadBytes progress = new ReadBytes(read);
    return quantizer
        .withThreads(threads)
        .withCancellation(cancellation)
        .withProgress(
            (stage, done, total, subject) -> {
              if (task.isInterrupted()) {
                cancellation.cancel();
              }
              progress.update(done);
            });
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

package dev.monoquant.spark;

import static java.util.Objects.requireNonNull;

import dev.monoquant.OutputException;
import dev.monoquant.core.Quantizer;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.apache.spark.SparkException;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.LongAccumulator;

/**
 * Writes the units of a plan in the executors of Spark, one task for each, and joins them in the
 * driver.
 *
 * <pre>{@code
 * SplitPlan plan = quantizer.units().plan(ModelInput.of(model), output, 64, false);
 * Report report = SparkUnits.on(session).run(plan, r -> {});
 * }</pre>
 *
 * <p>The output has the bytes of a run on one machine. Tasks may fail, be repeated, run twice, or
 * be lost with their executor: a unit counts only when its record is there, and the join compares
 * every byte with the records. The driver may end before the join: called again with the same plan,
 * units that are complete are read and not written again.
 *
 * <p>What this does not do: it makes no session and stops none, and it copies no files: all
 * executors and the driver see input and output under the paths of the plan. Jars with plugins have
 * to be on the class path of the executors. Immutable; thread-safe.
 */
public final class SparkUnits {

  private final JavaSparkContext spark;
  private final int threads;

  private SparkUnits(JavaSparkContext spark, int threads) {
    this.spark = spark;
    this.threads = threads;
  }

  /**
   * Units in the executors of a session, each with as many threads as {@code spark.task.cpus} says.
   *
   * @param session a session, which the caller stops
   * @return the units
   */
  public static SparkUnits on(SparkSession session) {
    JavaSparkContext spark = new JavaSparkContext(requireNonNull(session).sparkContext());
    return new SparkUnits(spark, spark.getConf().getInt("spark.task.cpus", 1));
  }

  /**
   * {@return units with another number of threads for each}
   *
   * @param count at least 1; it does not affect results
   * @throws IllegalArgumentException if it is less
   */
  public SparkUnits withThreads(int count) {
    if (count < 1) {
      throw new IllegalArgumentException(count + " threads");
    }
    return new SparkUnits(spark, count);
  }

  /**
   * Writes all units, then joins them.
   *
   * @param plan a plan of {@link dev.monoquant.core.UnitRuns#plan}
   * @param gate receives the report before the output is put in place; if it throws, nothing is put
   *     in place, and the units stay
   * @return the results of all units
   * @throws OutputException as {@link #write}
   * @throws dev.monoquant.QuantException as {@link dev.monoquant.core.UnitRuns#join}
   */
  public Report run(SplitPlan plan, Consumer<Report> gate) {
    write(plan);
    return Quantizer.create().units().join(plan, gate);
  }

  /**
   * Writes all units and does not join them.
   *
   * @param plan a plan of {@link dev.monoquant.core.UnitRuns#plan}
   * @return the number of units that were complete before
   * @throws OutputException if a unit failed as often as Spark allows, with the reason of its last
   *     failure; other units stay
   */
  public int write(SplitPlan plan) {
    int units = plan.units().size();
    Broadcast<String> text = spark.broadcast(SplitPlanJson.write(plan));
    LongAccumulator read = spark.sc().longAccumulator("bytes read");
    LongAccumulator found = spark.sc().longAccumulator("units complete before");
    List<Integer> numbers = IntStream.range(0, units).boxed().toList();
    String name = String.valueOf(plan.target().getFileName());
    spark.setJobDescription("quantize " + name + ": " + units + " units");
    try {
      List<UnitTask.Done> done =
          spark
              .parallelize(numbers, units)
              .setName("units of " + name)
              .map(new UnitTask(text, read, found, threads))
              .collect();
      return (int) done.stream().filter(UnitTask.Done::wasComplete).count();
    } catch (Exception e) {
      // Scala does not declare SparkException.
      throw failure(plan, e);
    } finally {
      spark.sc().setJobDescription(null);
      text.destroy();
    }
  }

  private static RuntimeException failure(SplitPlan plan, Exception e) {
    Optional<String> reason = Optional.empty();
    for (Throwable at = e; at != null; at = at.getCause()) {
      if (at instanceof UnitTask.Failed) {
        reason = Optional.ofNullable(at.getMessage());
      }
    }
    if (reason.isEmpty() && !(e instanceof SparkException) && e instanceof RuntimeException other) {
      return other;
    }
    return new OutputException(
        plan.target()
            + ": "
            + reason.orElse("Spark could not run all units: " + e.getMessage())
            + ". Units that are complete stay; cure the cause and run the same again",
        e);
  }
}

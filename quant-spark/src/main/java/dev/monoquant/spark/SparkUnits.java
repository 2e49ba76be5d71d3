package dev.monoquant.spark;

import static java.util.Objects.requireNonNull;

import dev.monoquant.OutputException;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.core.split.SplitPlanJson;
import dev.monoquant.files.remote.StagedFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * <p>Executors and driver see input and output under the paths of the plan; or the input has an
 * address, and each machine stages what it reads of it; or {@link #withOutput} names an address.
 *
 * <p>What this does not do: it makes no session and stops none, and it reads no HTTP server that
 * needs a header. Jars with plugins have to be on the class path of the executors. Immutable;
 * thread-safe.
 */
public final class SparkUnits {

  private final JavaSparkContext spark;
  private final int threads;
  private final Staging staging;

  private SparkUnits(JavaSparkContext spark, int threads, Staging staging) {
    this.spark = spark;
    this.threads = threads;
    this.staging = staging;
  }

  /**
   * Units in the executors of a session, each with as many threads as {@code spark.task.cpus} says.
   *
   * @param session a session, which the caller stops
   * @return the units
   */
  public static SparkUnits on(SparkSession session) {
    JavaSparkContext spark = new JavaSparkContext(requireNonNull(session).sparkContext());
    return new SparkUnits(
        spark,
        spark.getConf().getInt("spark.task.cpus", 1),
        Staging.of(spark.hadoopConfiguration()));
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
    return new SparkUnits(spark, count, staging);
  }

  /**
   * {@return units that keep what they read and what they send in another folder; by default it is
   * below the folder for temporary files, and 20 GiB of inputs are kept}
   *
   * @param folder a folder on a disk of each machine
   * @param inputs the most bytes of inputs to keep there. What a unit writes is there too until it
   *     is sent, and all of the output in the driver while it is joined
   */
  public SparkUnits withStaging(Path folder, long inputs) {
    return new SparkUnits(spark, threads, staging.in(folder, inputs));
  }

  /**
   * {@return units for an output on a file system of Hadoop}
   *
   * @param address where {@link #run} puts the output, such as {@code hdfs://host/models/llm-fp8}.
   *     The plan names a path with the same name on a disk of the driver, beside which it has room
   *     for the output; that path is free again afterwards
   */
  public SparkUnits withOutput(String address) {
    return new SparkUnits(spark, threads, staging.to(requireNonNull(address, "address")));
  }

  /**
   * Opens inputs that are on no disk of this machine as paths, such as {@code
   * hdfs://host/models/llm}, for a plan.
   *
   * @return the files; the caller closes them
   */
  public StagedFiles inputs() {
    return staging.inputs();
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
    return join(plan, here -> Staging.quantizer(here).units().join(plan, gate));
  }

  /** How units that are complete are joined at the path of the plan. */
  interface Join<T> {
    T of(StagedFiles inputs);
  }

  /** Joins at the path of the plan and, if the output is elsewhere, sends it there. */
  <T> T join(SplitPlan plan, Join<T> join) {
    try (StagedFiles inputs = staging.inputs()) {
      if (staging.address().isEmpty()) {
        return join.of(inputs);
      }
      HadoopOutput output = HadoopOutput.of(staging.address().get(), plan, staging.configuration());
      Staging.quantizer(inputs).units().begin(plan);
      for (int unit = 0; unit < plan.units().size(); unit++) {
        output.fetch(new UnitParcel(plan, unit));
      }
      T joined = join.of(inputs);
      if (Files.exists(plan.target())) {
        try {
          output.place(plan);
        } finally {
          Staging.delete(plan.target());
        }
      }
      return joined;
    } catch (IOException e) {
      throw new OutputException(
          staging.address().orElse(plan.target().toString())
              + ": could not be written: "
              + e
              + ". Units that are complete stay; cure the cause and run the same again",
          e);
    }
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
    requireFree(plan);
    Broadcast<Staging> local = spark.broadcast(staging);
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
              .map(new UnitTask(text, local, read, found, threads))
              .collect();
      return (int) done.stream().filter(UnitTask.Done::wasComplete).count();
    } catch (Exception e) {
      // Scala does not declare SparkException.
      throw failure(plan, e);
    } finally {
      spark.sc().setJobDescription(null);
      text.destroy();
      local.destroy();
    }
  }

  private void requireFree(SplitPlan plan) {
    if (staging.address().isPresent()) {
      try {
        HadoopOutput.of(staging.address().get(), plan, staging.configuration()).requireFree(plan);
      } catch (IOException e) {
        throw new OutputException(staging.address().get() + ": cannot be reached: " + e, e);
      }
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

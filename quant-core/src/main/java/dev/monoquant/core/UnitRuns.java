package dev.monoquant.core;

import dev.monoquant.core.control.Output;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.split.SplitPlan;
import dev.monoquant.spi.ModelInput;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Outputs that are planned once, written in units, and joined: on one machine, or on several with a
 * common file system. {@link SplitPlan} is the only thing that they pass on.
 *
 * <pre>{@code
 * SplitPlan plan = quantizer.units().plan(input, output, 16, false);
 * quantizer.units().run(plan, 3);             // each unit, anywhere, in any order, again if it failed
 * quantizer.units().join(plan, report -> {}); // once, when all are written
 * }</pre>
 *
 * <p>What this does not do: it starts no processes on other machines, and it knows of no remote
 * file systems; what is mounted is read and written as files. Immutable; thread-safe.
 */
public final class UnitRuns {

  private final Settings settings;

  UnitRuns(Settings settings) {
    this.settings = settings;
  }

  /**
   * Plans an output and makes the folder beside the target that the units share. Reads headers
   * only.
   *
   * @param input a file or directory
   * @param output the output; its format has to know the places of its tensors beforehand
   * @param units the number of units
   * @param overwrite whether the join replaces an existing output
   * @return the plan
   * @throws dev.monoquant.ConfigurationException if the output cannot be written in so many units
   * @throws dev.monoquant.QuantException as {@link Quantizer#plan}
   */
  public SplitPlan plan(ModelInput input, Output output, int units, boolean overwrite) {
    return SplitRun.plan(settings, input, output, units, overwrite);
  }

  /**
   * Makes the folder beside the target that units share, where {@link #plan} has not made it: on a
   * machine that sees no folder of the others, for {@link SplitPlan#withTarget}. What units wrote
   * there stays.
   *
   * @param plan the plan
   * @throws dev.monoquant.OutputException as {@link #run}
   */
  public void begin(SplitPlan plan) {
    SplitRun.begin(settings, plan);
  }

  /**
   * Writes a unit of a plan: its tensors at their places, then a record with their hashes. May be
   * called again, for any unit, in any order, on any machine, also twice at the same time.
   *
   * @param plan the plan
   * @param unit the number of the unit, from 0
   * @return the results; empty if the unit was complete before, with every byte as it was written
   * @throws dev.monoquant.OutputException if input, version or configuration are not those of the
   *     plan, naming the first difference; or if the output cannot be written, or is joined already
   * @throws dev.monoquant.QuantException as {@link Quantizer#quantize}
   */
  public Optional<Report> run(SplitPlan plan, int unit) {
    return SplitRun.run(settings, plan, unit);
  }

  /**
   * Joins the units of a plan: compares every byte with the hashes of the units, writes headers,
   * index, configuration and manifest, and puts the output in place, with the bytes of a run that
   * writes all of it.
   *
   * @param plan the plan
   * @param gate receives the report before the output is put in place; if it throws, nothing is put
   *     in place, and the units stay
   * @return the results of all units
   * @throws dev.monoquant.OutputException if units are missing, as {@link #run}, or if another run
   *     joins them
   * @throws dev.monoquant.ValidationException if bytes are not what a unit wrote, or a gate is
   *     missed
   */
  public Report join(SplitPlan plan, Consumer<Report> gate) {
    return SplitRun.join(settings, plan, gate);
  }
}

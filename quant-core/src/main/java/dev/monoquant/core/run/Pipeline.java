package dev.monoquant.core.run;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.Problem;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.event.RecordedStage;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.WeightReport;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.core.work.Workers;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Streams a model from a source to one or several sinks: quantizes the planned weights tile by tile
 * and copies the rest, on all threads, in bounded memory. What several outputs need is read once,
 * and a weight is encoded once for the outputs that agree on its encoding.
 *
 * <p>Memory: each thread holds one tile and its encoding at a time, whatever the number of outputs;
 * the writers of all outputs are open at the same time.
 */
public final class Pipeline {

  /**
   * The result for an output.
   *
   * @param weights the report of each weight, in the given order
   * @param warnings the numbers that were replaced and what schemes say, weight by weight
   * @param shared the weights whose encoding was also given to another output
   */
  record Outcome(List<WeightReport> weights, List<Problem> warnings, int shared) {}

  private final Settings settings;

  public Pipeline(Settings settings) {
    this.settings = settings;
  }

  /** Copies tensors; does not commit. */
  public void copy(ModelSource source, List<TensorInfo> tensors, OutputWriter sink)
      throws IOException {
    run(List.of(new Branch(source, List.of(), tensors, Map.of(), NonFinitePolicy.FAIL, sink)));
  }

  /** Quantizes the weights and copies the tensors of every output; does not commit. */
  List<Outcome> run(List<Branch> branches) throws IOException {
    WorkPlan plan = new WorkPlan(settings, branches);
    long bytes = plan.totalBytes();
    Meter meter = new Meter(settings.progress(), Progress.Stage.PROCESSING, bytes);
    Workers.Jobs jobs =
        new Workers.Jobs() {
          private Iterator<Workers.Job> current = List.<Workers.Job>of().iterator();

          @Override
          public Workers.@Nullable Job next() throws IOException {
            while (!current.hasNext()) {
              WorkPlan.Item item = plan.next();
              if (item == null) {
                return null;
              }
              current = item.begin(meter);
            }
            return current.next();
          }
        };
    String model = branches.get(0).source().info().name();
    RecordedStage.run(
        Progress.Stage.PROCESSING,
        model,
        bytes,
        () -> new Workers(settings.threads(), model).run(jobs));
    return IntStream.range(0, branches.size())
        .mapToObj(i -> outcome(branches.get(i), plan.runs(i)))
        .toList();
  }

  private static Outcome outcome(Branch branch, Map<String, WeightRun> runs) {
    List<WeightReport> reports = new ArrayList<>();
    List<Problem> warnings = new ArrayList<>();
    int shared = 0;
    for (PlannedWeight planned : branch.weights()) {
      String name = planned.weight().name();
      WeightRun run = runs.get(name);
      WeightResult result =
          run == null ? WeightResult.parse(branch.sink().finished(name).orElse("")) : run.result();
      shared += run != null && run.isShared() ? 1 : 0;
      reports.add(result.report(planned));
      warnings.addAll(result.warnings(planned));
    }
    return new Outcome(reports, warnings, shared);
  }
}

package dev.monoquant.core.run;

import dev.monoquant.NonFinitePolicy;
import dev.monoquant.Problem;
import dev.monoquant.QuantizationConfig;
import dev.monoquant.core.control.Progress;
import dev.monoquant.core.event.RecordedStage;
import dev.monoquant.core.report.GateResult;
import dev.monoquant.core.report.MemoryNeed;
import dev.monoquant.core.report.Plan;
import dev.monoquant.core.report.PlannedWeight;
import dev.monoquant.core.report.Report;
import dev.monoquant.core.report.UnquantizedTensor;
import dev.monoquant.core.settings.Gates;
import dev.monoquant.core.settings.InputFacts;
import dev.monoquant.core.settings.Settings;
import dev.monoquant.model.BoundKernels;
import dev.monoquant.model.TensorInfo;
import dev.monoquant.spi.Facts;
import dev.monoquant.spi.ModelSource;
import dev.monoquant.spi.OutputWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Carries out the plans of one or several outputs of a model: the statistics pass, then the weights
 * tile by tile into the writers.
 */
public final class Execution {

  private Execution() {}

  /**
   * An output to make.
   *
   * @param source the model as its format shows it
   * @param plan its plan
   * @param policy how it handles NaN and infinities
   * @param sink its writer
   */
  public record Job(ModelSource source, Plan plan, NonFinitePolicy policy, OutputWriter sink) {

    private List<PlannedWeight> open() {
      return plan.weights().stream()
          .filter(w -> sink.finished(w.weight().name()).isEmpty())
          .toList();
    }

    private long numbers() {
      return plan.weights().stream()
          .mapToLong(w -> w.weight().matrix().tensor().shape().elements())
          .sum();
    }

    private StatisticsPass.Request request() {
      return new StatisticsPass.Request(source, policy, open(), plan.weights());
    }

    private Branch branch(Map<String, Facts> facts) {
      List<TensorInfo> kept = plan.kept().stream().map(UnquantizedTensor::tensor).toList();
      return new Branch(source, plan.weights(), kept, facts, policy, sink);
    }
  }

  /**
   * An output that was made, but is not committed.
   *
   * @param report its report
   * @param shared the weights whose codes were also given to another output
   */
  public record Made(Report report, int shared) {}

  /**
   * Quantizes into a sink and checks the gates that need no run of the model; the caller commits.
   */
  public static Report runGated(Settings settings, Job job) throws IOException {
    Report report = run(settings, List.of(job)).get(0).report();
    List<GateResult> gates = settings.gates().check(report);
    Gates.require(gates);
    return report.withGates(gates);
  }

  /** Quantizes the planned weights into the sinks, in one pass; the caller commits. */
  public static List<Made> run(Settings settings, List<Job> jobs) throws IOException {
    long numbers = jobs.stream().mapToLong(Job::numbers).sum();
    return BoundKernels.with(KernelChoice.of(settings, numbers), () -> runHere(settings, jobs));
  }

  private static List<Made> runHere(Settings settings, List<Job> jobs) throws IOException {
    Settings bounded = bounded(settings, jobs);
    List<StatisticsPass.Request> requests = jobs.stream().map(Job::request).toList();
    List<Map<String, Facts>> facts = new StatisticsPass(bounded).facts(requests);
    List<Branch> branches = new ArrayList<>();
    for (int i = 0; i < jobs.size(); i++) {
      branches.add(jobs.get(i).branch(facts.get(i)));
    }
    List<Pipeline.Outcome> outcomes = new Pipeline(bounded).run(branches);
    List<Made> made = new ArrayList<>();
    for (int i = 0; i < jobs.size(); i++) {
      made.add(made(jobs.get(i), requests.get(i).weights().size(), outcomes.get(i)));
    }
    return made;
  }

  /** With as many threads as there is memory for. */
  private static Settings bounded(Settings settings, List<Job> jobs) {
    List<Plan> plans = jobs.stream().map(Job::plan).toList();
    MemoryNeed need =
        MemoryNeed.of(
            plans,
            settings.tileElements(),
            settings.threads(),
            settings.maxMemory(),
            new InputFacts(settings)::factors);
    return settings.withThreads(need.threads());
  }

  private static Made made(Job job, int open, Pipeline.Outcome outcome) {
    Plan plan = job.plan();
    List<Problem> warnings = new ArrayList<>(plan.problems());
    int resumed = plan.weights().size() - open;
    if (resumed > 0) {
      warnings.add(
          Problem.warning(
              "resumed",
              resumed
                  + " of "
                  + plan.weights().size()
                  + " weights were finished by an interrupted run and taken over",
              ""));
    }
    warnings.addAll(outcome.warnings());
    Report report = new Report(plan, outcome.weights(), warnings);
    return new Made(report.withKernels(BoundKernels.bound().name()), outcome.shared());
  }

  /** Finishes the work that must be done before an output is moved into place. */
  public static void finish(Settings settings, OutputWriter sink, Path target) throws IOException {
    settings.progress().update(Progress.Stage.COMMITTING, 0, 0, target.toString());
    RecordedStage.during(Progress.Stage.COMMITTING, target.toString(), 0, sink::finish);
  }

  public static NonFinitePolicy policy(QuantizationConfig config) {
    return config.nonFinite().orElse(NonFinitePolicy.FAIL);
  }
}
